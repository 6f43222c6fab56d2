# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts beside this file share. Sourced.

set -euo pipefail
export LC_ALL=C.UTF-8
unset CDPATH
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
USER=${USER:-$(id -un)}
export HOME USER

tools=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname -- "$tools")

# One sentence, and the end.
die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Run as root, by sudo where needed; never wait for a password that nobody can type.
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif [ -t 0 ]; then
		sudo -- "$@"
	else
		sudo -n -- "$@"
	fi
}

can_be_root()
{
	[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

# packages SECTION...: the packages of these sections, from the one list.
packages()
{
	awk -v want=" $* " '!/^#/ && NF == 2 && index(want, " " $2 " ") { print $1 }' \
		"$tools/packages.txt"
}

# The Debian archive this machine installs from, as its own configuration has it.
debian_mirror()
{
	if [ -n "${MMREPLAY_MIRROR:-}" ]; then
		printf '%s\n' "$MMREPLAY_MIRROR"
		return
	fi
	# shellcheck disable=SC2016 # the names are for apt to fill in
	apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "bookworm" && $2 == "main" && !n++ { print $3 }'
}

# Bazel in this work tree, whatever folder we were called from.
bz()
{
	(
		cd -- "$root"
		exec bazel "$@"
	)
}
