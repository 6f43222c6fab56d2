#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tap.awk on small logs: what it counts, and whom it blames.

set -uo pipefail

awk_file=$TEST_SRCDIR/$TEST_WORKSPACE/tools/house/tap.awk
count=0 failed=0

# counts NAME STATUS EXPECTED: EXPECTED is the output without notes, lines joined by "; ".
counts()
{
	local got
	got=$(awk -v where=T -v status="$2" -f "$awk_file" | grep -v '^note' | tr '\t' ' ' | paste -sd ';' |
		sed 's/;/; /g')
	count=$((count + 1))
	if [ "$got" = "$3" ]; then
		printf 'ok %d - %s\n' "$count" "$1"
	else
		printf 'not ok %d - %s\n# expected %s\n# got      %s\n' "$count" "$1" "$3" "$got"
		failed=1
	fi
}

counts 'cases are counted' PASSED 'pass 2' <<'EOF'
1..2
ok 1 - one
ok 2 - two
EOF
counts 'a plan may come last' PASSED 'pass 2' <<'EOF'
ok 1 - one
ok 2 - two
1..2
EOF
counts 'two groups in one program' PASSED 'pass 3' <<'EOF'
1..1
ok 1 - one
1..2
ok 1 - two
ok 2 - three
EOF
counts 'a failed case is named' FAILED 'fail T: two; pass 1' <<'EOF'
1..2
ok 1 - one
not ok 2 - two
# 1 != 2
EOF
counts 'a skipped case is neither' PASSED 'skip T: two - no captures # SKIP; pass 1' <<'EOF'
ok 1 - one
ok 2 - two - no captures # SKIP
1..2
EOF
counts 'a skipped case as cmocka prints it' PASSED 'skip T: two; pass 1' <<'EOF'
1..2
ok 1 - one
not ok 2 # SKIP two
EOF
counts 'a crash is a failure of its own' FAILED 'fail T: failed after 1 of 2 cases; pass 1' <<'EOF'
1..2
ok 1 - one
EOF
counts 'a crash after a failed case is one more' FAILED 'fail T: one; fail T: failed after 1 of 2 cases; pass 0' <<'EOF'
1..2
not ok 1 - one
EOF
counts 'cases that never ran fail a test that passed' PASSED 'fail T: passed after 1 of 2 cases; pass 1' <<'EOF'
1..2
ok 1 - one
EOF
counts 'a bad end after good cases' FAILED 'fail T: failed with every case passed; pass 1' <<'EOF'
1..1
ok 1 - one
==1==ERROR: LeakSanitizer: detected memory leaks
EOF
counts 'too slow' TIMEOUT 'fail T: timeout after 0 of 3 cases; pass 0' <<'EOF'
1..3
EOF
counts 'no TAP at all, passed' PASSED 'pass 1' <<'EOF'
fine
EOF
counts 'no TAP at all, failed' FAILED 'fail T: failed; pass 0' <<'EOF'
Segmentation fault
EOF
counts 'the head that Bazel writes is no output' FAILED 'fail T: failed; pass 0' <<'EOF'
exec ${PAGER:-/usr/bin/less} "$0" || exit 1
Executing tests from //a:b
-----------------------------------------------------------------------------
EOF
counts 'an empty log' PASSED 'pass 1' </dev/null

printf '1..%d\n' "$count"
exit "$failed"
