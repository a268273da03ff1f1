#!/bin/sh
#SBATCH --job-name=lake-eval
#SBATCH --cpus-per-task=1
# One `lake eval` as a Slurm job array and a job that gathers its parts; the results are those of a single run.
#
#     sh doc/eval_slurm.sh SHARDS LAYOUT ROOT --weights W [options] -o RESULTS.csv
#
# Paths must mean the same on every node. SBATCH_... variables (man sbatch) choose partition, account, time and memory; the line
# above how many processors, which are threads, a shard gets. LAKE: the command (default: lake). Waits for the end; ending this
# script does not end the jobs. Where a shard fails nothing is gathered.
set -e
lake=${LAKE:-lake}
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"

case $1 in
shard) # shard SHARDS ARGUMENTS...: a job of the array
    shards=$2
    shift 2
    exec "$lake" eval "$@" --shard "$SLURM_ARRAY_TASK_ID/$shards"
    ;;
gather) # gather ARGUMENTS...
    shift
    exec "$lake" eval "$@" --gather
    ;;
esac

if [ $# -lt 3 ]; then
    echo "usage: sh $0 SHARDS LAYOUT ROOT [options of lake eval] -o RESULTS.csv" >&2
    exit 2
fi
shards=$1
shift
array=$(sbatch --parsable --array="1-$shards" "$0" shard "$shards" "$@")
array=${array%%;*} # without the cluster's name
echo "array job $array: one task for each of $shards shards"
gather=$(sbatch --parsable --wait --dependency="afterok:$array" --kill-on-invalid-dep=yes "$0" gather "$@") || true
if ! scontrol show job "${gather%%;*}" | grep -q JobState=COMPLETED; then
    echo "nothing was gathered: slurm-${array}_*.out and slurm-${gather%%;*}.out say why" >&2
    exit 1
fi
