#!/bin/sh
# Runs fuzz targets that `make fuzz` built, two at a time: test/fuzz/run.sh SECONDS [NAME...], from the project's folder.
# What a target makes up that is new goes to build/fuzz/corpus/NAME/ and is where its next run begins; findings go to
# build/fuzz/findings/. Fails where there is one. JOBS= runs more or fewer at a time.
seconds=${1:?how many seconds for each target}
shift
[ $# -gt 0 ] || set -- $(for f in test/fuzz/fuzz_*.c; do basename "$f" .c | sed 's/^fuzz_//'; done)
mkdir -p build/fuzz/findings build/fuzz/logs

# run NAME: its log is shown where it fails, else one line of what it did.
export seconds
run='
    name=$1
    log=build/fuzz/logs/$name
    case $name in clip | convert | vocab) length=20480 ;; *) length=8192 ;; esac
    dictionary=test/fuzz/dict/$name.dict
    mkdir -p "build/fuzz/corpus/$name"
    if ! "build/fuzz/test/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=$length \
        $([ -e "$dictionary" ] && echo "-dict=$dictionary") -artifact_prefix="build/fuzz/findings/$name-" \
        -print_final_stats=1 "build/fuzz/corpus/$name" "test/fuzz/corpus/$name" > "$log" 2>&1; then
        tail -n 60 "$log"
        echo "not ok fuzz_$name: the input is in build/fuzz/findings/"
        exit 1
    fi
    echo "ok fuzz_$name: $(sed -n "s/^stat::number_of_executed_units: *//p" "$log") runs," \
        "$(sed -n "s/.* cov: \([0-9]*\) .*/\1/p" "$log" | tail -n 1) edges"
'
printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -n 1 sh -c "$run" run
