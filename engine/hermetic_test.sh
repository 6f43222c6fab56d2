#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2317 # the checks are called by their names, at the end
#
#   hermetic_test.sh SOURCE...
#
# The engine is hermetic, as its objects tell: what they call outside is on the list below, and they
# hold no variable that outlives a call. The sources are named so that none is overlooked.

set -uo pipefail
export LC_ALL=C

# Memory, and functions of their arguments alone. No clock, environment, file, terminal, locale's
# choice, signal, thread or chance; errno is one more global. A name more wants a reason here:
#   qsort       its order among equals is the library's; comparisons in the engine leave no equals
#   *snprintf   with integers and strings alone, which no locale changes
# _GLOBAL_OFFSET_TABLE_ is the linker's, for code that may stand anywhere.
allowed='malloc calloc realloc free
	memcpy memmove memset memcmp strlen strcmp strncmp memchr strchr strpbrk strstr
	qsort snprintf vsnprintf
	_GLOBAL_OFFSET_TABLE_'

# Constants with addresses in them stand in .data.rel.ro, which is read-only once loaded.
writable='^\.(data|bss|tdata|tbss|sdata|sbss|init_array|fini_array|ctors|dtors)(\..*)?$'
constant='^\.data\.rel\.ro(\..*)?$'

cd -- "$TEST_SRCDIR/$TEST_WORKSPACE/engine" || exit 1
archives=(*.a)

overlooked_sources()
{
	local source members
	members=$(for archive in "${archives[@]}"; do ar t "$archive"; done)
	for source; do
		grep -qxE "${source%.c}(\.pic)?\.o" <<<"$members" ||
			printf '%s is in no archive of the test\n' "$source"
	done
	[ $# -gt 0 ] || printf 'no source was named\n'
}

# What is neither defined in the engine nor allowed.
calls_outside()
{
	{
		printf '%s\n' "$allowed" | tr -s ' \t' '\n' | sed 's/$/ A/'
		nm --defined-only -A -- "${archives[@]}" | awk '{ print $NF, "D" }'
		nm --undefined-only -A -- "${archives[@]}" | awk '{ print $NF, "U", $1 }'
	} | awk '
		$2 == "U" { n++; if (!($1 in known)) print $3, "calls", $1; next }
		{ known[$1] }
		END { if (!n) print "nm lists nothing" }'
}

# By section, as a variable may have no symbol. -fno-common leaves none without a section, too.
variables()
{
	objdump -h "${archives[@]}" | awk -v writable="$writable" -v constant="$constant" '
		/file format/ { object = $1; n++ }
		$2 ~ writable && $2 !~ constant && $3 !~ /^0+$/ {
			print object, "has", $2, "of 0x" $3, "bytes"
		}
		END { if (!n) print "objdump lists nothing" }'
	nm -A -- "${archives[@]}" | awk 'NF > 1 && $(NF - 1) == "C" { print $1, "has the common", $NF }'
}

count=0 failed=0
check()
{
	local what=$1 findings
	shift
	count=$((count + 1))
	findings=$("$@" 2>&1)
	if [ -z "$findings" ]; then
		printf 'ok %d - %s\n' "$count" "$what"
	else
		printf 'not ok %d - %s\n' "$count" "$what"
		printf '%s\n' "$findings" | head -n 60 | sed 's/^/# /'
		failed=1
	fi
}

check 'every source is looked at' overlooked_sources "$@"
check 'nothing outside is called but what is allowed' calls_outside
check 'nothing is remembered but in what the caller owns' variables
printf '1..%d\n' "$count"
exit "$failed"
