#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2317 # finish() is called when the script ends
# A campaign on a cluster of one node: real munged, slurmctld and slurmd, with everything in one folder.

set -uo pipefail

for program in munged slurmctld slurmd sbatch squeue; do
	PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || {
		printf '1..1\nok 1 - cluster # SKIP %s is not installed\n' "$program"
		exit 0
	}
done
[ "$(id -u)" = 0 ] || {
	printf '1..1\nok 1 - cluster # SKIP slurmd wants to be root\n'
	exit 0
}
PATH=$PATH:/usr/sbin
slurm=$TEST_SRCDIR/$TEST_WORKSPACE/fuzz/cluster/slurm
mmreplay=$TEST_SRCDIR/$TEST_WORKSPACE/tools/mmreplay
# Names of sockets must be short.
work=$(mktemp -d /tmp/slurm-XXXXXX)
daemons=()
finish()
{
	[ ${#daemons[@]} = 0 ] || kill "${daemons[@]}" 2>/dev/null
	wait
	rm -rf -- "$work"
}
trap finish EXIT
count=0 failed=0
report()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$count" "$2"
	else
		printf 'not ok %d - %s\n' "$count" "$2"
		failed=1
	fi
}

host=$(hostname -s)
port=$((20000 + $$ % 20000))
chmod 755 "$work"
mkdir "$work/state" "$work/spool"
dd if=/dev/urandom of="$work/key" bs=128 count=1 status=none
chmod 400 "$work/key"
cat >"$work/slurm.conf" <<EOF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$work/munge.sock
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
export SLURM_CONF=$work/slurm.conf
munged --foreground --force --num-threads 2 --key-file="$work/key" --socket="$work/munge.sock" \
	--pid-file="$work/munge.pid" --log-file="$work/munge.log" --seed-file="$work/munge.seed" \
	>"$work/munged.out" 2>&1 &
daemons+=($!)
slurmctld -D -f "$SLURM_CONF" >"$work/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$work/slurmd.out" 2>&1 &
daemons+=($!)
for ((i = 0; i < 300; i++)); do
	sinfo -h -o %t 2>/dev/null | grep -q idle && break
	sleep 0.2
done
sinfo -h -o %t 2>/dev/null | grep -q idle
report $? 'the cluster comes up'
[ "$failed" = 0 ] || sed 's/^/# /' "$work"/*.out | tail -n 30

options=(--target topology --era 6.12 --set memoryless_local_node_skipped=off --executions 2048)
job=$("$slurm/submit" --tasks 3 --out "$work/out" --mmreplay "$mmreplay" -- "${options[@]}")
report $? "an array is submitted"
for ((i = 0; i < 1200; i++)); do
	[ -n "$(squeue -h -j "$job" 2>/dev/null)" ] || break
	sleep 0.2
done
[ -e "$work/out/task-1/campaign.sqlite" ] && [ -e "$work/out/task-3/campaign.sqlite" ]
report $? 'each task has a campaign of its own'
"$slurm/gather" --mmreplay "$mmreplay" "$work/out" -- "${options[@]}" >"$work/gathered" 2>&1
[ $? = 1 ]
report $? 'something is found'
grep -q '^topology  *6144 ' "$work/gathered"
report $? 'the work of all tasks is summed up'
compgen -G "$work/out/all/findings/*-fallback-memory.mmtrace" >/dev/null
report $? 'the finding is there'

# A task that is requeued goes on with its folder.
job=$("$slurm/submit" --tasks 1 --out "$work/out" --mmreplay "$mmreplay" -- "${options[@]}")
for ((i = 0; i < 1200; i++)); do
	[ -n "$(squeue -h -j "$job" 2>/dev/null)" ] || break
	sleep 0.2
done
"$slurm/gather" --mmreplay "$mmreplay" "$work/out" -- "${options[@]}" >"$work/gathered" 2>&1
grep -q '^topology  *8192 ' "$work/gathered"
report $? 'a task goes on'
[ "$failed" = 0 ] || sed 's/^/# /' "$work/gathered" "$work"/out/*.txt | tail -n 40
printf '1..%d\n' "$count"
exit "$failed"
