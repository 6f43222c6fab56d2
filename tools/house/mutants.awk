# SPDX-License-Identifier: MIT
# Lists the mutants of one C file: "LINE<tab>COLUMN<tab>LENGTH<tab>REPLACEMENT", one a line.
#
# Only code is looked at: no comments, strings, preprocessor lines, or the columns of tables. The layout of
# .clang-format makes it simple: binary operators have blanks around them, unary ones have not.

function mutant(column, length_, replacement) {
	printf "%d\t%d\t%d\t%s\n", FNR, column, length_, replacement
}

# Every place of @from in the code of this line becomes @to.
function each(from, to,    at, rest, done) {
	done = 0
	rest = code
	while ((at = index(rest, from)) > 0) {
		mutant(done + at, length(from), to)
		done += at + length(from) - 1
		rest = substr(code, done + 1)
	}
}

# The line with comments and strings made blank, so that columns stay.
function blank(line,    out, i, c, two) {
	out = ""
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		two = substr(line, i, 2)
		if (in_comment) {
			if (two == "*/") {
				in_comment = 0
				out = out " "
				i++
			}
			out = out " "
		} else if (two == "/*") {
			in_comment = 1
			out = out "  "
			i++
		} else if (c == "\"" || c == "'") {
			out = out c
			for (i++; i <= length(line) && substr(line, i, 1) != c; i++) {
				out = out " "
				if (substr(line, i, 1) == "\\") {
					out = out " "
					i++
				}
			}
			out = out c
		} else {
			out = out c
		}
	}
	return out
}

{
	code = blank($0)
	if (code ~ /^#/ || continued) {
		continued = $0 ~ /\\$/
		next
	}
	# Inside functions lines are indented; tables and declarations of files are left alone.
	if (/^[{]/)
		in_function = 1
	if (/^}/)
		in_function = 0
	if (!in_function || code !~ /^\t/ || code ~ /assert\(/)
		next
	each(" < ", " <= "); each(" <= ", " < ")
	each(" > ", " >= "); each(" >= ", " > ")
	each(" == ", " != "); each(" != ", " == ")
	each(" && ", " || "); each(" || ", " && ")
	each(" + ", " - "); each(" - ", " + ")
	# The mixing of hashes is nobody's promise.
	if (code !~ / \* 0x[0-9a-f]+/)
		each(" * ", " + ")
	each(" / ", " * ")
	each(" << ", " >> "); each(" >> ", " << ")
	each(" | ", " & "); each(" & ", " | ")
	each(" += ", " -= "); each(" -= ", " += ")
	each(" |= ", " = ")
	each("++", "--"); each("--", "++")
	each(" true", " false"); each(" false", " true")
	if (match(code, /(^|[^a-z_])if \(/)) {
		mutant(RSTART + RLENGTH, 0, "0 && ")
		mutant(RSTART + RLENGTH, 0, "1 || ")
	}
	# A statement that is left out.
	if (match(code, /^\t+[a-z_][a-z0-9_]*\(.*\);$/) || match(code, /^\t+[a-z_][a-zA-Z0-9_>.\[\]-]* [-+|&]?= .*;$/)) {
		match(code, /^\t+/)
		mutant(RLENGTH + 1, length(code) - RLENGTH, ";")
	}
	if (match(code, /^\t+(break|continue);$/)) {
		match(code, /^\t+/)
		mutant(RLENGTH + 1, length(code) - RLENGTH, ";")
	}
}
