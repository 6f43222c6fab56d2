# SPDX-License-Identifier: MIT
# Count the lines of engine/ and traces/ in lcov's form of line counters. form: "summary" or "missing".
# only: names of files between spaces, or blank for every one. Tests, and what is generated, are not counted
# themselves. A file may come more than once: a line is reached when it is in one of them.

BEGIN { FS = "[:,]" }
/^SF:/ {
	file = $2
	sub(/^\/proc\/self\/cwd\//, "", file)
	wanted = file ~ /^(engine|traces)\// && file !~ /_test\.c$/ && (only ~ /^ *$/ || index(only, " " file " "))
	if (wanted)
		last[file] += 0
}
/^DA:/ && wanted {
	if ($2 > last[file])
		last[file] = $2
	count[file, $2] += $3
}
END {
	for (file in last)
		if (form == "missing")
			list_missing(file)
		else
			count_lines(file)
	for (name in lines)
		printf "%6.2f%% %6d %5d  %s\n", 100 - 100 * missed[name] / lines[name], lines[name], missed[name], name
}

# Lines without a counter do not end a range.
function list_missing(file,    line, first, until)
{
	for (line = 1; line <= last[file] + 1; line++) {
		if (line <= last[file] && !((file, line) in count))
			continue
		if (line <= last[file] && !count[file, line]) {
			first = first ? first : line
			until = line
		} else if (first) {
			print file ":" first (until > first ? "-" until : "")
			first = 0
		}
	}
}

function count_lines(file,    line, folder)
{
	folder = file
	sub(/\/.*/, "", folder)
	for (line = 1; line <= last[file]; line++) {
		if (!((file, line) in count))
			continue
		lines[file]++
		lines[folder]++
		if (!count[file, line]) {
			missed[file]++
			missed[folder]++
		}
	}
}
