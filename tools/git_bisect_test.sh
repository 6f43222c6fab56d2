#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# mmreplay bisect --over git, on a history of 100 commits that is made here.  Its program is a script which
# answers bisect-run; a build copies it, and writes down which revision it built.

set -uo pipefail

mmreplay=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 failed=0

report()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$count" "$2"
	else
		printf 'not ok %d - %s\n' "$count" "$2"
		sed 's/^/# /' "$work/out"
		failed=1
	fi
}

if ! command -v git >/dev/null; then
	printf 'ok 1 - bisect over git # SKIP git is not installed\n1..1\n'
	exit 0
fi

export HOME=$work GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.org
export GIT_AUTHOR_DATE='2024-01-01T00:00:00Z' GIT_COMMITTER_DATE='2024-01-01T00:00:00Z'
repository=$work/repository
cache=$work/cache
export LOG=$work/built

# commit N ANSWER [BROKEN]: the program of commit N, which says ANSWER; with a third argument it does not build.
commit()
{
	cat >"$repository/program" <<EOF
#!/bin/sh
echo "revision $1, \$*"
exit $2
EOF
	chmod +x "$repository/program"
	rm -f "$repository/broken"
	[ $# -lt 3 ] || : >"$repository/broken"
	git -C "$repository" add -A
	git -C "$repository" commit -q -m "change $1"
	git -C "$repository" tag "c$1"
}

git init -q -b main "$repository"
for n in $(seq 1 100); do
	case $n in
	2[0-9] | 75 | 88) commit "$n" "$((n >= 63))" broken ;;
	*) commit "$n" "$((n >= 63))" ;;
	esac
done

# shellcheck disable=SC2016 # for the shell that builds
build='git rev-parse HEAD >>"$LOG"; [ ! -e broken ] && cp program "$MMREPLAY_OUT" && : >litter'

# bisect GOOD BAD [OPTION...]: what it prints is in out, its exit code is returned.
bisect()
{
	local good=$1 bad=$2

	shift 2
	"$mmreplay" bisect "$repository/program" --over git --good "$good" --bad "$bad" --repository "$repository" \
		--cache "$cache" --build "$build" "$@" >"$work/out" 2>&1
}

twice()
{
	sort "$LOG" | uniq -d | wc -l
}

# Work that is not committed, and all of .git, must stay as they are.
echo mine >"$repository/uncommitted"
echo mine >>"$repository/program"
picture()
{
	(cd "$repository" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
before=$(picture)

: >"$LOG"
bisect c1 c100 --fails boot-differs
code=$?
grep -q 'This commit makes the difference' "$work/out" && grep -q '2024-01-01 change 63$' "$work/out" && [ $code = 0 ]
report $? 'the planted commit is found'

[ "$(twice)" = 0 ] && [ "$(wc -l <"$LOG")" -le 14 ]
report $? 'no revision is built twice, and few are at all'

[ "$(picture)" = "$before" ]
report $? 'the repository and its work tree are as they were'

grep -q 'change 1: revision 1, bisect-run' "$work/out" && grep -q 'change 100: revision 100' "$work/out"
report $? 'each revision was asked by its own program'

built=$(wc -l <"$LOG")
bisect c1 c100 --fails boot-differs && grep -q ' 0 built for it' "$work/out" && [ "$(wc -l <"$LOG")" = "$built" ]
report $? 'a second time nothing is built'

bisect c1 c100 --fails boot-differs --json && grep -q '"culprit": ".* change 63"' "$work/out"
report $? 'JSON names the commit'

# The change lies among revisions that do not build.
git -C "$repository" checkout -q -f -b other c5
for n in $(seq 101 120); do
	case $n in
	11[0-2]) commit "$n" "$((n >= 111))" broken ;;
	*) commit "$n" "$((n >= 111))" ;;
	esac
done
bisect c101 c120 --fails boot-differs
code=$?
grep -q 'One of these commits' "$work/out" && [ "$(grep -c ' change 11[0-3]$' "$work/out")" = 4 ] && [ $code = 1 ]
report $? 'what does not build is skipped, and told'

bisect c1 c20 --fails boot-differs
[ $? = 2 ] && grep -q 'the bad revision cannot be told: .* change 20: it does not build: .*/log tells why' "$work/out"
report $? 'an end that does not build is refused'

bisect c1 c50 --fails boot-differs
[ $? = 2 ] && grep -q "holds on neither end" "$work/out"
report $? 'two good ends are refused'

bisect c70 c99 --fails boot-differs
[ $? = 2 ] && grep -q "holds on both ends" "$work/out"
report $? 'two bad ends are refused'

bisect c99 c2 --fails boot-differs
[ $? = 2 ] && grep -q "wrong way round" "$work/out"
report $? 'ends the wrong way round are refused'

bisect c1 nothing --fails boot-differs
[ $? = 2 ] && grep -q "there is no revision 'nothing'" "$work/out"
report $? 'a revision that is not there is refused'

# Killed by the third build: what was built completely is kept, and the next time comes to the same end.
rm -rf "$cache"
: >"$LOG"
# shellcheck disable=SC2016
killing=$build' && if [ "$(wc -l <"$LOG")" = 3 ]; then kill -9 0; fi'
setsid "$mmreplay" bisect "$repository/program" --over git --good c1 --bad c100 --repository "$repository" \
	--cache "$cache" --build "$killing" --fails boot-differs >"$work/out" 2>&1 &
wait $! 2>/dev/null
[ "$(wc -l <"$LOG")" = 3 ] && bisect c1 c100 --fails boot-differs && grep -q '2024-01-01 change 63$' "$work/out" &&
	[ "$(twice)" -le 1 ]
report $? 'after a kill it goes on with what there is'

# Programs that know no bisect-run are asked by a command.
# shellcheck disable=SC2016 # for the shell of the predicate
bisect c1 c100 --fails 'exit f() { [ -s "$1" ] && "$MMREPLAY"; }; f' && grep -q '2024-01-01 change 63$' "$work/out"
report $? 'a command of the user decides'

printf '1..%d\n' "$count"
exit $failed
