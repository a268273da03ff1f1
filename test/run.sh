#!/bin/sh
# Runs every test and counts what they print: run.sh LAKE TEST_PROGRAM...
#
# A test prints a line per check, "ok NAME", "not ok NAME: detail" or "skip NAME: reason" (test/test.h). C programs
# are given; scripts are test/test_*.py and test/test_*.sh, which find the command in $LAKE. A script whose needs are absent
# prints skip lines. TESTS="image cli" runs only those. The last line is "N passed, N failed, N skipped".
LAKE=$1
export LAKE
shift

# Debian's PyTorch and Pillow belong to the system's Python; PYTHON= chooses another.
PYTHON=${PYTHON:-$(command -v /usr/bin/python3 || command -v python3)}

# On a machine that does other work as well, threads that wait by spinning take the processor from those they wait for.
OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
export OMP_WAIT_POLICY

passed=0 failed=0 skipped=0
log=$(mktemp "${TMPDIR:-/tmp}/lake-test.XXXXXX") || exit 2
trap 'rm -f "$log"' EXIT

run() { # run NAME COMMAND...: adds its counts, shows what failed or was skipped
    name=$1
    shift
    if [ -n "$TESTS" ]; then
        case " $TESTS " in *" ${name#test_} "*) ;; *) return ;; esac
    fi
    start=$(date +%s)
    "$@" > "$log" 2>&1
    status=$?
    ok=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    skip=$(grep -c '^skip ' "$log")
    if [ $status -ne 0 ]; then
        bad=$((bad + 1))
        echo "not ok $name: exit status $status after:"
        tail -n 25 "$log"
    elif [ $((ok + bad + skip)) -eq 0 ]; then
        bad=1
        echo "not ok $name: no check was run"
    fi
    grep -E '^(not ok|skip) ' "$log"
    echo "$name: $ok passed, $bad failed, $skip skipped ($(($(date +%s) - start)) s)"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

for program in "$@"; do
    run "$(basename "$program")" "$program"
done
for script in test/test_*.sh; do
    [ -e "$script" ] && run "$(basename "$script" .sh)" sh "$script"
done
for script in test/test_*.py; do
    [ -e "$script" ] || continue
    if [ -n "$PYTHON" ]; then
        run "$(basename "$script" .py)" "$PYTHON" "$script"
    else
        echo "skip $(basename "$script" .py): no Python on this machine"
        skipped=$((skipped + 1))
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
