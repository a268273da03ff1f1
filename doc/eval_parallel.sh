#!/bin/sh
# One `lake eval` as several processes on this machine, by GNU parallel; the results are those of a single run.
#
#     sh doc/eval_parallel.sh SHARDS LAYOUT ROOT --weights W [options] -o RESULTS.csv
#
# JOBS: how many processes at a time (default: as many as there are processors). OMP_NUM_THREADS: threads of each (default 1).
# LAKE: the command (default: lake). Where a shard fails the others are not started and nothing is gathered.
set -e
if [ $# -lt 3 ]; then
    echo "usage: sh $0 SHARDS LAYOUT ROOT [options of lake eval] -o RESULTS.csv" >&2
    exit 2
fi
lake=${LAKE:-lake}
shards=$1
shift
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

seq "$shards" | parallel --quote --halt soon,fail=1 --jobs "${JOBS:-100%}" "$lake" eval "$@" --shard "{}/$shards"
"$lake" eval "$@" --gather
