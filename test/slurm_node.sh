#!/bin/sh
# A Slurm cluster of this one machine for as long as a command runs; by hand, to try doc/eval_slurm.sh:
#
#     apt-get install --no-install-recommends slurm-wlm munge
#     sh test/slurm_node.sh COMMAND [ARGUMENTS...]
#
# Starts munged, slurmctld and slurmd with a configuration of their own in a temporary folder, without cgroups and systemd, waits
# for the node, runs the command with SLURM_CONF set, and ends what it started. The exit code is the command's. As root, or as a
# user who then can submit jobs as himself only. PORT: the first of two ports (default 26817).
if [ $# -eq 0 ]; then
    echo "usage: sh $0 COMMAND [ARGUMENTS...]" >&2
    exit 2
fi
PATH=$PATH:/usr/sbin:/sbin
for program in munged slurmctld slurmd sbatch sinfo; do
    command -v $program > /dev/null || { echo "$0: no $program: install slurm-wlm and munge" >&2; exit 2; }
done

node=$(mktemp -d "${TMPDIR:-/tmp}/slurm-node.XXXXXX") || exit 2
host=$(hostname -s)
port=${PORT:-26817}
started=
end() {
    for pid in $started; do
        kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null
    done
    rm -rf "$node"
}
trap end EXIT
trap 'exit 130' INT TERM

start() { # start NAME COMMAND...: in the background; its output goes to NAME.log
    name=$1
    shift
    "$@" > "$node/$name.log" 2>&1 &
    started="$! $started" # ended in the opposite order
}

fail() {
    echo "$0: $1" >&2
    tail -n 20 "$node"/*.log >&2
    exit 1
}

wait_for() { # wait_for WHAT CONDITION...: up to 30 seconds
    what=$1
    shift
    for _ in $(seq 60); do
        "$@" && return
        sleep 0.5
    done
    fail "$what does not come up"
}

is_idle() { [ "$(sinfo --noheader --format=%T 2> /dev/null)" = idle ]; }

mkdir "$node/state" "$node/spool"
chmod 755 "$node"
head -c 1024 /dev/urandom > "$node/munge.key"
chmod 400 "$node/munge.key"
cat > "$node/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$node/munge.socket
StateSaveLocation=$node/state
SlurmdSpoolDir=$node/spool
SlurmctldPidFile=$node/slurmctld.pid
SlurmdPidFile=$node/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$node/slurm.conf"

start munged munged --foreground --force --key-file="$node/munge.key" --socket="$node/munge.socket" --pid-file="$node/munge.pid" \
    --log-file="$node/munge.log" --seed-file="$node/munge.seed"
wait_for munged test -S "$node/munge.socket"
start slurmctld slurmctld -D
start slurmd slurmd -D
wait_for "the node" is_idle

"$@"
code=$?
[ $code -eq 0 ] || tail -n 5 "$node"/*.log >&2
exit $code
