#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The contract of OSS-Fuzz, without OSS-Fuzz: build.sh with its environment variables, and what it leaves run
# as it is run there.

set -uo pipefail

for program in clang-22 clang++-22 protoc-c zip unzip; do
	command -v "$program" >/dev/null || {
		printf '1..1\nok 1 - oss-fuzz # SKIP %s is not installed\n' "$program"
		exit 0
	}
done
count=0 failed=0
report()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$count" "$2"
	else
		printf 'not ok %d - %s\n' "$count" "$2"
		[ $# -lt 3 ] || tail -n 30 "$3" | sed 's/^/# /'
		failed=1
	fi
}

top=$(dirname -- "$(realpath -- "$TEST_SRCDIR/$TEST_WORKSPACE/WORKSPACE")")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf -- "$work"' EXIT
mkdir "$work/src" "$work/out" "$work/work"
ln -s -- "$top" "$work/src/mmreplay"
# As the base image sets them.
export SRC=$work/src OUT=$work/out WORK=$work/work CC=clang-22 CXX=clang++-22
export CFLAGS='-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address -fsanitize=fuzzer-no-link'
export CXXFLAGS=$CFLAGS LIB_FUZZING_ENGINE=-fsanitize=fuzzer FUZZING_ENGINE=libfuzzer SANITIZER=address
bash -eu "$top/fuzz/oss-fuzz/build.sh" >"$work/build.txt" 2>&1
report $? 'build.sh builds' "$work/build.txt"

sleep 1
touch "$work/built"
chmod -R a-w "$work/out"
mapfile -t names < <(sed -n 's/^TARGET(\([a-z_]*\))$/\1/p' "$top/fuzz/targets.def")
[ ${#names[@]} -gt 10 ]
report $? 'there are targets'
cd / || exit 1
for name in "${names[@]}"; do
	mkdir "$work/seeds-$name" "$work/artifacts-$name"
	unzip -q "$work/out/${name}_seed_corpus.zip" -d "$work/seeds-$name" 2>"$work/run.txt" &&
		# The program's name tells it nothing, its folder is not written to, and crashes alone end it.
		(exec -a fuzzer env MMREPLAY_FUZZ_GO_ON=1 "$work/out/$name" -runs=200 -seed=1 -rss_limit_mb=2560 \
			-artifact_prefix="$work/artifacts-$name/" "$work/seeds-$name") >"$work/run.txt" 2>&1
	report $? "$name runs" "$work/run.txt"
done
[ -z "$(find "$work/out" -newer "$work/built" -type f)" ]
report $? 'nothing is written beside the programs'

# A finding ends with another code than 0, and leaves its input.
MMREPLAY_FUZZ_SET=memoryless_local_node_skipped=off "$work/out/topology" -runs=20000 -seed=1 \
	-artifact_prefix="$work/artifacts-topology/" "$work/seeds-topology" >"$work/run.txt" 2>&1
status=$?
[ "$status" != 0 ] && grep -q 'finding: ' "$work/run.txt" &&
	compgen -G "$work/artifacts-topology/crash-*" >/dev/null
report $? 'a wrong rule is found' "$work/run.txt"
printf '1..%d\n' "$count"
exit "$failed"
