#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A campaign on one target with a fuzzing engine of others, for seconds: that it executes, counts edges, keeps
# inputs, and that nothing crashes; what it finds beside that is for campaigns and for the tests that repeat. And
# topology finds a wrong rule of Linux.
#
#	engine_test.sh ENGINE TARGET PROGRAM MMREPLAY [FILE...]
#
# Each FILE is an input to begin with.
set -u

engine=$1 target=$2 program=$3 mmreplay=$4
shift 4
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
case=1

fail()
{
	echo "not ok $case - $target under $engine: $1"
	tail -n 40 "$work/log" "$work/json" "$work/$case/engine/$target/job-0"/{log,again} 2>/dev/null |
		sed 's/^/# /'
	echo "1..$case"
	exit 1
}

# campaign OPTION...: one job, in the folder $work/$case; findings are no failure.
campaign()
{
	"$mmreplay" fuzz --engine "$engine" --engines "$(dirname -- "$program")" --target "$target" --jobs 1 \
		--captures traces/captures --out "$work/$case" --json "$@" >"$work/json" 2>"$work/log" ||
		[ $? = 1 ] || fail "it could not be run"
}

# number NAME: a number of the campaign.
number()
{
	sed -n "s/^ *\"$1\": \([0-9]*\),*\$/\1/p" "$work/json" | sed -n 1p
}

inputs=()
for file; do
	inputs+=(--input "$file")
done
campaign --time 20s "${inputs[@]}"
[ "$(number executions)" -gt 0 ] || fail "nothing was executed"
[ "$(number coverage)" -gt 0 ] || fail "no edges were counted"
[ "$(number kept)" -gt 0 ] || fail "no input was kept"
! grep -qE '"id": "(crash|hang)' "$work/json" || fail "something crashed"
echo "# $(number executions) executions, $(number coverage) edges, $(number kept) inputs kept"
echo "ok 1 - $target under $engine"

# A node without memory stands in its own fallback order: the engine itself sees it, and it is made small.
if [ "$target" = topology ]; then
	case=2
	campaign --era 6.12 --set memoryless_local_node_skipped=0 --time 10s
	grep -q '"id": "fallback-memory"' "$work/json" || fail "a wrong rule was not found"
	[ -s "$work/2/engine/$target/job-0/findings/fallback-memory" ] || fail "the engine did not tell"
	"$mmreplay" replay "$work/2/findings"/*-fallback-memory.mmtrace 2>&1 | grep -q '^boot: fallback-memory' ||
		fail "what was found does not repeat"
	echo "ok 2 - $target under $engine: a wrong rule is found"
fi
echo "1..$case"
