#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# coverage.awk on counters made for it.

set -uo pipefail

awk_file=$TEST_SRCDIR/$TEST_WORKSPACE/tools/house/coverage.awk
count=0 failed=0

# says NAME FORM ONLY EXPECTED: EXPECTED is the sorted output for the counters below, joined by "; ".
says()
{
	local got
	got=$(awk -v form="$2" -v only=" $3 " -f "$awk_file" <<-'EOF' | tr -s ' ' | sort | paste -sd ';' | sed 's/;/; /g'
		SF:/proc/self/cwd/engine/a.h
		DA:2,5
		end_of_record
		SF:/proc/self/cwd/engine/b.c
		FN:3,b
		DA:3,7
		DA:4,0
		DA:6,0
		DA:7,1
		DA:9,0
		end_of_record
		SF:/proc/self/cwd/engine/b_test.c
		DA:1,0
		end_of_record
		SF:/proc/self/cwd/bazel-out/bin/traces/c.pb-c.c
		DA:1,0
		end_of_record
		SF:/proc/self/cwd/traces/dmesg/d.c
		DA:1,0
		DA:2,0
		end_of_record
		SF:/proc/self/cwd/engine/a.h
		DA:2,0
		end_of_record
	EOF
	)
	count=$((count + 1))
	if [ "$got" = "$4" ]; then
		printf 'ok %d - %s\n' "$count" "$1"
	else
		printf 'not ok %d - %s\n# expected %s\n# got      %s\n' "$count" "$1" "$4" "$got"
		failed=1
	fi
}

says 'files and folders are summed' summary '' \
	' 0.00% 2 2 traces;  0.00% 2 2 traces/dmesg/d.c;  40.00% 5 3 engine/b.c;  50.00% 6 3 engine; 100.00% 1 0 engine/a.h'
says 'a range passes over lines without a counter' missing '' \
	'engine/b.c:4-6; engine/b.c:9; traces/dmesg/d.c:1-2'
says 'files that were named alone' missing 'traces/dmesg/d.c engine/a.h' 'traces/dmesg/d.c:1-2'

printf '1..%d\n' "$count"
exit "$failed"
