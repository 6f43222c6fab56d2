#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A target under a fuzzing engine for a few seconds: that it runs, counts, and does not crash; what it finds is
# for campaigns and for the tests that repeat. And topology finds a wrong rule of Linux.
#
#	engine_test.sh ENGINE TARGET BINARY RUN MUTATOR [FILE...]
set -u

engine=$1 target=$2 binary=$3 run=$4 mutator=$5
shift 5
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
case=1
export MMREPLAY_FUZZ_GO_ON=1
mkdir "$work/seeds" "$work/corpus"

fail()
{
	echo "not ok $case - $target under $engine: $1"
	sed 's/^/# /' "$work/log" | tail -n 40
	echo "1..$case"
	exit 1
}

"$run" --target "$target" --seeds "$work/seeds" --captures traces/captures "$@" >"$work/log" 2>&1 ||
	fail "no seeds"

dict=()
case $engine in
libfuzzer)
	[ ! -s "$work/seeds.dict" ] || dict=("-dict=$work/seeds.dict")
	"$binary" -max_total_time=5 -seed=1 "${dict[@]}" -rss_limit_mb=4096 -print_final_stats=1 \
		-artifact_prefix="$work/" "$work/corpus" "$work/seeds" >"$work/log" 2>&1 ||
		fail "it ended with $?"
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
	;;
afl)
	[ ! -s "$work/seeds.dict" ] || dict=(-x "$work/seeds.dict")
	# Seeds that crash are findings, too: nothing is passed over.
	AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 \
		AFL_CUSTOM_MUTATOR_LIBRARY="$mutator" MMREPLAY_FUZZ_TARGET="$target" AFL_NO_ARITH=1 \
		afl-fuzz -V 5 -s 1 -m none -t 2000 "${dict[@]}" -i "$work/seeds" -o "$work/out" -- "$binary" \
		>"$work/log" 2>&1 || fail "afl-fuzz ended with $?"
	stats=$work/out/default/fuzzer_stats
	[ -s "$stats" ] || fail "no statistics"
	executions=$(sed -n 's/^execs_done *: *//p' "$stats")
	crashes=$(sed -n 's/^saved_crashes *: *//p' "$stats")
	[ "$crashes" = 0 ] || fail "$crashes inputs that crash"
	;;
*) fail "there is no such engine" ;;
esac

[ "${executions:-0}" -gt 0 ] || fail "nothing was executed"
echo "# $executions executions"
echo "ok 1 - $target under $engine"

# A node without memory stands in its own fallback order: some seed shows it.
if [ "$engine-$target" = libfuzzer-topology ]; then
	case=2
	unset MMREPLAY_FUZZ_GO_ON
	MMREPLAY_FUZZ_SET=memoryless_local_node_skipped=0 "$binary" -runs=0 \
		-artifact_prefix="$work/" "$work/seeds" >"$work/log" 2>&1 &&
		fail "a wrong rule was not found"
	grep -q '^finding: fallback-memory: ' "$work/log" || fail "it ended without that finding"
	echo "ok 2 - $target under $engine: a wrong rule is found"
fi
echo "1..$case"
