# SPDX-License-Identifier: MIT
# Count the cases of one test from its log.
#
#   awk -v where=NAME -v status=PASSED -f tap.awk test.log
#
# A log that holds TAP gives one case for each result line; one that does not is a single case, which
# passed if the test did. A test that ended before its plan was through, or failed with no case to
# blame, is one failure more. The output is lines of a word and a tab:
#
#   pass N | fail NAME | skip NAME | note TEXT (what to read about the failure before it)
#
# Note that the TAP of cmocka 1.1 has "not ok N # SKIP name" for a skipped case.

function note(text)
{
	print "note\t" text
}

function case_name(line)
{
	sub(/^(not )?ok *[0-9]* *-? */, "", line)
	return line
}

# What Bazel puts above a test's own output.
NR == 1 && /^exec \$\{PAGER/ { above = 1 }
above {
	if (/^-----/)
		above = 0
	next
}

{ log_line[++lines] = $0 }

/^1\.\.[0-9]+/ {
	planned += substr($1, 4)
	next
}

/^(not )?ok( |$)/ {
	seen++
	blamed = 0
	if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) {
		name = case_name($0)
		sub(/^# *[Ss][Kk][Ii][Pp] */, "", name)
		print "skip\t" where ": " name
	} else if ($1 == "ok") {
		passed++
	} else {
		failed++
		blamed = 1
		print "fail\t" where ": " case_name($0)
	}
	next
}

# The comment under a failure tells why.
blamed && /^ *#/ { note($0) }

END {
	ok = status == "PASSED"
	if (!seen && ok && !planned) {
		passed++
	} else if (!seen && !planned) {
		failed++
		tail = 1
		print "fail\t" where ": " tolower(status)
	} else if (seen < planned) {
		failed++
		tail = 1
		print "fail\t" where ": " tolower(status) " after " seen + 0 " of " planned " cases"
	} else if (!ok && !failed) {
		failed++
		tail = 1
		print "fail\t" where ": " tolower(status) " with every case passed"
	}
	if (tail) {
		# A sanitizer's report begins where it says ERROR; otherwise the end tells most.
		first = lines - 39
		for (i = lines; i > 0; i--)
			if (log_line[i] ~ /(ERROR|WARNING): [A-Za-z]*Sanitizer|runtime error:|[Aa]ssert/)
				first = i
		if (first < 1)
			first = 1
		for (i = first; i <= lines && i < first + 40; i++)
			note(log_line[i])
	}
	print "pass\t" passed + 0
}
