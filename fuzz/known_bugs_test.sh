#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmark of wrong rules, on its command line alone: a name that it does not know is not a benchmark passed.
#
#	known_bugs_test.sh KNOWN_BUGS
set -u

known_bugs=$1
count=0 failed=0

# expect CODE TEXT NAME ARGUMENT...: the exit code, and what its output has.
expect()
{
	local code=$1 text=$2 name=$3 out
	shift 3
	out=$("$known_bugs" "$@" 2>&1)
	local is=$?
	count=$((count + 1))
	if [ $is = "$code" ] && [[ $out == *"$text"* ]]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# exit code $is: $out"
		failed=1
	fi
}

expect 2 "there is no wrong rule 'nosuch'" "a name that is none" nosuch
expect 2 "there is no wrong rule 'nosuch'" "one of several" --seconds 1 node-load-not-accumulated nosuch
expect 0 "usage: known_bugs" "help" --help
expect 2 "usage: known_bugs" "an option that is none" --nothing
expect 0 "1 of 1 found" "a rule" --seeds 1 overlap-test-wraps
echo "1..$count"
exit $failed
