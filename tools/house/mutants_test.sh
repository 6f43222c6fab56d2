#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mutants.awk on small files: what is changed, and what is left alone. mutants_order.awk: which test goes first.

set -uo pipefail

house=$TEST_SRCDIR/$TEST_WORKSPACE/tools/house
awk_file=$house/mutants.awk
count=0 failed=0

# mutants NAME EXPECTED: EXPECTED is what the lines of standard input become, joined by "; ".
mutants()
{
	local got source
	source=$(cat)
	got=$(awk -f "$awk_file" <<<"$source" | while IFS=$'\t' read -r line column length replacement; do
		before=$(sed -n "${line}p" <<<"$source")
		printf '%s\n' "${before:0:column-1}$replacement${before:column-1+length}"
	done | sed 's/^\t*//' | paste -sd '~' | sed 's/~/ ~ /g')
	count=$((count + 1))
	if [ "$got" = "$2" ]; then
		printf 'ok %d - %s\n' "$count" "$1"
	else
		printf 'not ok %d - %s\n# expected %s\n# got      %s\n' "$count" "$1" "$2" "$got"
		failed=1
	fi
}

mutants 'operators, each place by itself' 'return a <= b + c; ~ return a < b - c;' <<'EOF'
{
	return a < b + c;
}
EOF
mutants 'conditions both ways' \
	'if (a != b) ~ if (0 && a == b) ~ if (1 || a == b) ~ ;' <<'EOF'
{
	if (a == b)
		call(a, b);
}
EOF
mutants 'statements are left out' '; ~ ; ~ x-- ~ ;' <<'EOF'
{
	break;
	x = 5;
	x++
	call();
}
EOF
mutants 'comments, strings, pointers and what is outside of functions stay' '' <<'EOF'
#define F(a) (a < b)
static int a = b + c;
{
	/* a < b && c */
	return p->a("a < b", ' < ', &x); /* d
	e == f */
	assert(a < b);
}
EOF
mutants 'the mixing of a hash is left alone' 'return a + h;' <<'EOF'
{
	return a * h;
	return h * 0x9e3779b97f4a7c15ULL;
}
EOF

# order NAME EXPECTED HISTORY: in which order tests of 10 ms, 100 ms and 5 s try a mutant of engine/a.c.
order()
{
	local got
	got=$(printf '%s\n' slow quick middle | awk -v file=engine/a.c \
		-f "$house/mutants_order.awk" <(printf '%s' "$3") \
		<(printf '%s\n' '10 quick' '100 middle' '5000 slow' '1 unreaching') - |
		sort -n | cut -d' ' -f2- | paste -sd ' ')
	count=$((count + 1))
	if [ "$got" = "$2" ]; then
		printf 'ok %d - %s\n' "$count" "$1"
	else
		printf 'not ok %d - %s\n# expected %s\n# got      %s\n' "$count" "$1" "$2" "$got"
		failed=1
	fi
}

order 'without a past the quick tests go first' '10 quick 100 middle 5000 slow' ''
order 'who killed mutants of the file goes before who never did' '100 middle 10 quick 5000 slow' \
	$'engine/a.c middle 10 8\nengine/a.c quick 10 0\nengine/a.c quick 10 0\n'
order 'kills in other files tell little once the file has a past' '10 quick 100 middle 5000 slow' \
	$'engine/b.c middle 10 8\nengine/a.c middle 20 0\nengine/a.c quick 9 3\n'
order 'a slow test has to be much better' '10 quick 100 middle 5000 slow' \
	$'engine/a.c slow 10 10\nengine/a.c quick 10 2\nengine/a.c middle 10 2\n'
printf '1..%d\n' "$count"
exit "$failed"
