#!/bin/bash -eu
# SPDX-License-Identifier: MIT
# Builds every target for OSS-Fuzz, from its environment variables alone: SRC, WORK, OUT, CC, CXX, CFLAGS,
# CXXFLAGS, LIB_FUZZING_ENGINE. Leaves in OUT a program for each target, its seeds (NAME_seed_corpus.zip) and
# its dictionary (NAME.dict).

top=$SRC/mmreplay
common=(-std=c11 -UNDEBUG -fno-common -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -w -iquote "$top" -iquote "$WORK/gen")
# Libraries go in as archives: where targets run there are none.
libraries=(-l:libprotobuf-c.a -l:libzstd.a -l:liblzma.a -l:libxxhash.a -l:libfdt.a -l:libz.a -lpthread -lm)
jobs=$(nproc)

cd "$top"
mkdir -p "$WORK/gen" "$OUT"
messages=(traces/record fuzz/alloc fuzz/memblock)
protoc-c --proto_path=. --c_out="$WORK/gen" "${messages[@]/%/.proto}"
mapfile -t sources < <(
	find engine traces fuzz/mutate fuzz/targets -name '*.c' ! -name '*_test.c' ! -path 'traces/testing/*'
	printf '%s\n' fuzz/target.c fuzz/settings.c fuzz/corpus.c fuzz/driver.c
)
messages=("${messages[@]/#/$WORK/gen/}")
generated=("${messages[@]/%/.pb-c.c}")

# compile FOLDER FLAG...: all sources, as FOLDER/all.a
compile()
{
	local folder=$1 source running=0
	shift
	mkdir -p "$folder"
	for source in "${sources[@]}" "${generated[@]}"; do
		"$CC" "$@" "${common[@]}" -c "$source" -o "$folder/${source//\//_}.o" &
		running=$((running + 1))
		if [ "$running" -ge "$jobs" ]; then
			wait -n
			running=$((running - 1))
		fi
	done
	while [ "$running" -gt 0 ]; do
		wait -n
		running=$((running - 1))
	done
	rm -f "$folder/all.a"
	ar rcs "$folder/all.a" "$folder"/*.o
}

# What fuzzes, and a plain program that writes the seeds of each target.
# shellcheck disable=SC2086 # the flags are words
compile "$WORK/fuzzed" $CFLAGS
compile "$WORK/plain" -O1
# shellcheck disable=SC2086
$CC -O1 "${common[@]}" fuzz/run.c "$WORK/plain/all.a" "${libraries[@]}" -o "$WORK/run"

sed -n 's/^TARGET(\([a-z_]*\))$/\1/p' fuzz/targets.def | while read -r name; do
	# shellcheck disable=SC2086
	$CC $CFLAGS "${common[@]}" "-DFUZZ_TARGET=\"$name\"" -c fuzz/engine.c -o "$WORK/engine_$name.o"
	# shellcheck disable=SC2086
	$CXX $CXXFLAGS "$WORK/engine_$name.o" "$WORK/fuzzed/all.a" $LIB_FUZZING_ENGINE "${libraries[@]}" \
		-o "$OUT/$name"
	rm -rf "$WORK/seeds"
	mkdir "$WORK/seeds"
	# Inputs that were findings are seeds, too, and so are files that fuzz/BUILD names.
	files=()
	case $name in
	ftrace) files+=(traces/testdata/trace/perf.txt) ;;
	perf_data) files+=(traces/testdata/trace/perf.data.zst) ;;
	trace_dat) files+=(traces/testdata/trace/trace-cmd-6.dat.zst traces/testdata/trace/trace-cmd-7-zstd.dat) ;;
	esac
	for file in "fuzz/corpus/$name"/*; do
		[ ! -f "$file" ] || files+=("$file")
	done
	"$WORK/run" --target "$name" --seeds "$WORK/seeds" --captures traces/captures "${files[@]}" >"$WORK/run.txt"
	[ ! -s "$WORK/seeds.dict" ] || mv "$WORK/seeds.dict" "$OUT/$name.dict"
	# A target without seeds begins with nothing.
	[ -n "$(ls -A "$WORK/seeds")" ] || : >"$WORK/seeds/empty"
	rm -f "$OUT/${name}_seed_corpus.zip"
	(cd "$WORK/seeds" && zip -q "$OUT/${name}_seed_corpus.zip" -- *)
done
