#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The tree tidies itself in a test. Each check lists what breaks it, one finding a line.
# shellcheck disable=SC2317 # the checks are called by their names, at the end

set -uo pipefail
export LC_ALL=C.UTF-8

top=$(dirname -- "$(readlink -f -- "$TEST_SRCDIR/$TEST_WORKSPACE/WORKSPACE")")
cd -- "$top" || exit 1

# Our files: what git tracks, or, in an unpacked archive, everything but what a build leaves behind.
if [ -e .git ] && command -v git >/dev/null; then
	mapfile -t files < <(git -c safe.directory='*' ls-files)
else
	mapfile -t files < <(find . -name 'bazel-*' -prune -o -type f -printf '%P\n' | sort)
fi
here=()
for file in "${files[@]}"; do
	[ -f "$file" ] && here+=("$file")
done
files=("${here[@]}")

# choose PATTERN [NOT]: our files whose name matches an extended regular expression.
choose()
{
	printf '%s\n' "${files[@]}" | grep -E -- "$1" | grep -vE -- "${2:-^$}"
}

# Text that came from elsewhere: logs, seeds, expected output. Its words are not ours.
given='^traces/(captures|recordings)/|(^|/)testdata/|^fuzz/corpus/'

# in_text PATTERN: where our own text holds it.
in_text()
{
	choose . "$given" | tr '\n' '\0' | xargs -0 grep -InE -- "$1"
}

# The patterns are put together from pieces, lest this file be its own finding.
forgotten_markers() { in_text "\<(TO""DO|FIX""ME|XX""X|HA""CK)\>"; }
machine_paths() { in_text "(^|[^A-Za-z0-9_.\$}*])/(wo""rk|ro""ot|fa""rm|ho""me/[a-z]+)/"; }
registry_hosts() { in_text "(deb\.deb""ian|registry\.np""m|snapshot\.deb""ian|py""pi\.org|crat""es\.io)"; }
oversized_files()
{
	choose . '^traces/captures/' | while IFS= read -r file; do
		size=$(stat -c %s -- "$file")
		[ "$size" -le 262144 ] || printf '%s is %d bytes\n' "$file" "$size"
	done
}
trailing_space()
{
	choose '\.(c|h|def|bzl|proto|sh|awk|py)$|(^|/)(BUILD|WORKSPACE)$|^tools/[^.]*$' "$given" |
		tr '\n' '\0' | xargs -0 grep -InE '[[:blank:]]+$'
}

scripts()
{
	choose . "$given" | while IFS= read -r file; do
		case $file in
		*.sh) printf '%s\n' "$file" ;;
		*) head -c 64 -- "$file" | grep -aE '^#! ?/.*(bash|/sh)' >/dev/null && printf '%s\n' "$file" ;;
		esac
	done
}
script_syntax()
{
	scripts | while IFS= read -r file; do bash -n -- "$file" 2>&1; done
}
script_lint() { scripts | tr '\n' '\0' | xargs -0 shellcheck -x -f gcc --; }
script_modes()
{
	scripts | while IFS= read -r file; do
		if head -c 2 -- "$file" | grep '^#!' >/dev/null && [ ! -x "$file" ]; then
			printf '%s is not executable\n' "$file"
		fi
	done
}

licences()
{
	{
		choose '\.(c|h|def|proto|bzl|sh|awk|py|S)$|(^|/)(BUILD|WORKSPACE)$' "$given"
		scripts
	} | sort -u | while IFS= read -r file; do
		head -n 3 -- "$file" | grep 'SPDX-License-Identifier: MIT' >/dev/null || printf '%s has no SPDX line\n' "$file"
	done
}
include_guards()
{
	choose '\.h$' "$given|/stub/" | while IFS= read -r file; do
		guard=${file//[^A-Za-z0-9]/_}
		guard=${guard^^}
		grep -qx "#ifndef $guard" -- "$file" && grep -qx "#define $guard" -- "$file" ||
			printf '%s is not guarded by %s\n' "$file" "$guard"
	done
}
# tools and fuzz see traces and engine, traces sees engine, the engine sees itself.
layers()
{
	local layer above
	for layer in engine:traces,fuzz,tools traces:fuzz,tools fuzz:tools tools:fuzz; do
		above=${layer#*:}
		# The command of campaigns and the benchmarks of fuzzing are above fuzz/.
		choose "^${layer%:*}/.*\.(c|h|def)$" '^tools/(cmd_fuzz|bench/(fuzz|steady_test))\.c$' | tr '\n' '\0' |
			xargs -0r grep -nE "^[[:blank:]]*#[[:blank:]]*include \"(${above//,/|})/"
	done
}
# A C file that its BUILD file does not name is never compiled, and nobody notices. Names count whole: "page.c", or
# "%s.c" and, where it is no target's name, "page". A pattern such as "*.c" compiles nothing; a script `run` may.
dead_files()
{
	local file folder package
	{
		choose '(^|/)BUILD$|\.bzl$' | sed -E 's|^(.*)/[^/]*$|\1\t&|; t; s|^|.\t|'
		choose '\.(c|h|def|proto)$' "$given|/stub/" | while IFS= read -r file; do
			folder=$(dirname -- "$file")
			package=$folder
			while [ ! -e "$package/BUILD" ] && [ "$package" != . ]; do
				package=$(dirname -- "$package")
			done
			[ -x "$folder/run" ] && grep -F "/${file##*/}" -- "$folder/run" >/dev/null && continue
			printf '%s\t%s\n' "$package" "$file"
		done
	} | awk -F'\t' '
		$2 ~ /(BUILD|\.bzl)$/ {
			while ((getline line < $2) > 0) {
				n = line ~ /^ *#/ ? 0 : split(line, part, "\"")
				for (i = 2; i <= n; i += 2) {
					named[$1, part[i]]
					if (line !~ /^ *name = /)
						listed[$1, part[i]]
					if (gsub(/%s/, "\t", part[i]) == 1)
						patterns[$1] = patterns[$1] "\n" part[i]
				}
			}
			next
		}
		{
			file = $1 == "." ? $2 : substr($2, length($1) + 2)
			found = ($1, file) in named
			n = split(patterns[$1], pattern, "\n")
			for (i = 2; i <= n && !found; i++) {
				split(pattern[i], around, "\t")
				begin = length(around[1])
				end = length(file) - length(around[2])
				found = end > begin && substr(file, 1, begin) == around[1] &&
					substr(file, end + 1) == around[2] &&
					($1, substr(file, begin + 1, end - begin)) in listed
			}
			if (!found)
				printf "%s is not in %s/BUILD\n", $2, $1
		}'
}
# //:full names every package that has tests.
# A check that nothing ever broke may be none: quirk.def names what its quirks break, tests what they break by hand.
unbroken_invariants()
{
	choose '_test\.c$' | tr '\n' '\0' | xargs -0 cat engine/quirk.def |
		grep -oE '\<(INVARIANT_)?[A-Z][A-Z0-9_]+\>' | sed 's/^INVARIANT_//' | sort -u >"$TEST_TMPDIR/broken"
	sed -nE 's/^INVARIANT\(([A-Z0-9_]+),.*/\1/p' engine/invariant.def | sort |
		comm -23 - "$TEST_TMPDIR/broken" | sed 's/$/ is broken by no test and no quirk/'
}

suites()
{
	choose '(^|/)BUILD$' '^(BUILD$|tools/bazel/)' | while IFS= read -r file; do
		grep -qE '^ *(mm_[a-z_]*test|mm_fuzz_target)\(' -- "$file" || continue
		grep -q "\"//$(dirname -- "$file"):tests\"" BUILD ||
			printf '//:full in BUILD does not have //%s:tests\n' "$(dirname -- "$file")"
	done
}
layout()
{
	choose '\.(c|h)$' "$given" | tr '\n' '\0' |
		xargs -0r clang-format --dry-run --style=file 2>&1 | grep -E '(warning|error): code should' |
		cut -d: -f1 | sort | uniq -c |
		awk '{ print $2 ": " $1 " places; tools/format " $2 " mends them" }'
}

count=0
check()
{
	local findings
	count=$((count + 1))
	findings=$("$2" 2>&1)
	if [ -z "$findings" ]; then
		printf 'ok %d - %s\n' "$count" "$1"
	else
		printf 'not ok %d - %s\n' "$count" "$1"
		printf '%s\n' "$findings" | head -n 60 | sed 's/^/# /'
		failed=1
	fi
}

failed=0
check 'no marker of unfinished work is left' forgotten_markers
check 'no path of one machine' machine_paths
check 'no host of a package registry' registry_hosts
check 'no large file outside the captures' oversized_files
check 'no blanks at the end of a line' trailing_space
check 'every script parses' script_syntax
check 'every script passes shellcheck' script_lint
check 'every script can be executed' script_modes
check 'every source file names its licence' licences
check 'every header is guarded by its path' include_guards
check 'no include against the layers' layers
check 'every C file is built' dead_files
check 'every package of tests is in //:full' suites
check 'every invariant is broken by a test or a quirk' unbroken_invariants
check 'every C file is laid out by clang-format' layout
printf '1..%d\n' "$count"
exit "$failed"
