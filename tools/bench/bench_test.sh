#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Does every benchmark still run?  TAP comes from the program itself.  And is a Linux that times itself believed?

set -u
dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT

# What a Linux of tools/linux_rival says, behind what else it prints.
cat >"$dir/linux" <<'SH'
#!/bin/sh
for word; do
	case $word in
	pairs=*) printf 'reboot: ...\npairs: %s 31500\n' "${word#pairs=}" ;;
	esac
done
SH
chmod +x "$dir/linux"
told=$("$1" --filter alloc-order-9 --json --linux "$dir/linux") || exit
case $told in
*'"name": "Linux 6.1, now"'*'"median_ps": 31500'*) ;;
*)
	printf 'bench does not tell of its rival:\n%s\n' "$told"
	exit 1
	;;
esac
if said=$("$1" --filter alloc-order-9 --linux /bin/false 2>&1 >"$dir/out"); then
	echo "bench takes /bin/false for a Linux"
	exit 1
fi
case $said in
*"/bin/false: is no Linux of tools/linux_rival that runs here") ;;
*)
	printf 'of a rival that fails bench says: %s\n' "$said"
	exit 1
	;;
esac

exec "$1" --once
