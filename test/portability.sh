#!/bin/sh
# Builds lake with every compiler that is here, for this machine and others, and lets qemu run what this one cannot:
#
#     sh test/portability.sh [WORK]                 all; WORK (default: a temporary folder) keeps what was made
#     TARGETS="s390x tcc" sh test/portability.sh    only these
#
# For each target: the C tests, then the main job on a tiny random model, held against the native plain C kernel's. Weights must
# be the same bytes; scores and maps the same to 1e-5, also where a detector crosses from one machine to the other.
# Lines are those of the tests (test/test.h). Not part of `make test`: it takes minutes. doc/PORTING.md has a table of results.

cd "$(dirname "$0")/.." || exit 2
root=$PWD
if [ $# -gt 0 ]; then
    mkdir -p "$1" && work=$(cd "$1" && pwd) || exit 2
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/lake-port.XXXXXX") || exit 2
    trap 'rm -rf "$work"' EXIT
fi
python=${PYTHON:-$(command -v python3)}
passed=0 failed=0 skipped=0

ok() { echo "ok $1"; passed=$((passed + 1)); }
bad() { echo "not ok $1: $2"; failed=$((failed + 1)); }
skip() { echo "skip $1: $2"; skipped=$((skipped + 1)); }
check() { # check NAME COMMAND...: ok where the command succeeds, else its output's end
    name=$1
    shift
    if "$@" > "$work/log" 2>&1; then ok "$name"; else bad "$name" "$(tail -n 3 "$work/log" | tr '\n' ' ')"; fi
}

# ---- the job that every target does ------------------------------------------------------------------------

world() { # a model and pictures, the same for all
    mkdir -p "$work/world/good" "$work/world/new" && cd "$work/world" &&
        PYTHONPATH=$root/test "$python" -B - << 'END'
import tiny
tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
tiny.write_safetensors("tiny.safetensors", tiny.clip_tensors())
for i in range(4):
    tiny.write_png(f"good/{i}.png", 64, 64, tiny.texture(i))
tiny.write_png("new/a.png", 64, 64, tiny.texture(10))
tiny.write_png("new/b.png", 64, 64, tiny.texture(11, (40, 20, 9)))
END
}

job() { # job FOLDER PROGRAM...
    mkdir -p "$1" && cd "$1" || return 1
    shift
    for type in f32 f16 bf16 q8; do
        "$@" convert ../world/tiny.safetensors --dtype $type -o $type.clip || return 1
    done
    "$@" fit ../world/good --weights f32.clip --res 128 --class "woven cloth" -o d.lake &&
        "$@" score d.lake ../world/new --csv --maps maps --overlays pictures > scores.csv &&
        "$@" score ../reference/d.lake ../world/new --csv --weights f32.clip > foreign.csv
}

# near FOLDER: the folder's scores and maps, and its detector in the native program, against the reference's
near() {
    cd "$1" || return 1
    LAKE_KERNEL=plain "$work/native/lake" score d.lake ../world/new --csv --weights ../reference/f32.clip > returned.csv || return 1
    "$python" -B - << 'END'
import array, csv, sys

def table(path):
    rows = list(csv.reader(open(path)))
    assert len(rows) == 3, f"{path}: {len(rows)} lines"
    return [cell for row in rows for cell in row]

def numbers(path):
    """A .npy file of ours: a head of a multiple of 64 bytes that ends with a line break, then little-endian floats."""
    data = open(path, "rb").read()
    head = 10 + data[8] + 256 * data[9]
    assert data[:6] == b"\x93NUMPY" and b"'<f4'" in data[:head] and b"(64, 64)" in data[:head] and head % 64 == 0, data[:head]
    values = array.array("f", data[head:])
    if sys.byteorder == "big":
        values.byteswap()
    assert len(values) == 64 * 64
    return values

worst = 0
expected = table("../reference/scores.csv")
for name in ("scores.csv", "foreign.csv", "returned.csv"):
    found = table(name)
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        try:
            worst = max(worst, abs(float(a) - float(b)))
        except ValueError:
            assert a == b, f"{name}: {a}, expected {b}"
for name in "ab":
    pairs = zip(numbers(f"maps/{name}.npy"), numbers(f"../reference/maps/{name}.npy"))
    worst = max(worst, max(abs(a - b) for a, b in pairs))
print(f"largest difference {worst:.2g}")
sys.exit(not worst < 1e-5)
END
}

same_weights() {
    for type in f32 f16 bf16 q8; do cmp "$1/$type.clip" "$work/reference/$type.clip" || return 1; done
}

# ---- a target ----------------------------------------------------------------------------------------------

# The tests want to stand in the project's folder and write into build/; here that is a folder of links with its own build/.
stand_in() {
    mkdir -p "$work/stand/build" && for f in test weights doc; do ln -sfn "$root/$f" "$work/stand/$f" || return 1; done
}

c_tests() { # c_tests TARGET EMULATOR: one line of counts, and each failure
    good=0
    for source in "$root"/test/test_*.c; do
        test=$(basename "$source" .c)
        (cd "$work/stand" && $2 "$work/$1/test/$test") > "$work/log" 2>&1
        status=$?
        grep '^not ok' "$work/log" | sed "s/^not ok/not ok $1 $test,/"
        count=$(grep -c '^not ok' "$work/log")
        [ $status -eq 0 ] || { count=$((count + 1)); echo "not ok $1 $test: exit status $status"; }
        failed=$((failed + count))
        good=$((good + $(grep -c '^ok' "$work/log")))
    done
    [ $good -gt 0 ] && ok "$1: $good checks of the C tests"
}

wanted() { case " ${TARGETS:-$1} " in *" $1 "*) ;; *) return 1 ;; esac; }

compare() { # compare TARGET PROGRAM...: the main job and what it made
    t=$1
    shift
    check "$t: convert, fit, score" job "$work/$t-job" "$@"
    check "$t: weights in f32, f16, bf16 and q8 are the same bytes" same_weights "$work/$t-job"
    check "$t: scores and maps, also with the detector of the other machine, both ways" near "$work/$t-job"
    echo "#  $(cat "$work/log")$(cmp -s "$work/$t-job/d.lake" "$work/reference/d.lake" && echo ", detector of the same bytes")"
}

target() { # target NAME COMPILER EMULATOR [MAKE'S ARGUMENTS...]; "-" for none
    t=$1 compiler=$2 emulator=$3
    shift 3
    wanted "$t" || return
    [ "$emulator" = - ] && emulator=
    for need in $compiler $emulator; do
        command -v "$need" > /dev/null || { skip "$t" "no $need on this machine"; return; }
    done
    cd "$root" || exit 2
    programs=$(for f in test/test_*.c; do echo "$work/$t/${f%.c}"; done)
    archiver=${compiler%-gcc}-ar # a cross compiler's own
    command -v "$archiver" > /dev/null || archiver=ar
    # shellcheck disable=SC2086 # a list of programs
    if ! ${MAKE:-make} BUILD="$work/$t" CC="$compiler" AR="$archiver" OPENMP=no "$@" "$work/$t/lake" $programs > "$work/log" 2>&1; then
        bad "$t: build" "$(tail -n 3 "$work/log" | tr '\n' ' ')"
        return
    fi
    if grep -q 'warning:' "$work/log"; then bad "$t: no warning" "$(grep -m 1 'warning:' "$work/log")"; else ok "$t: build without a warning"; fi
    c_tests "$t" "$emulator"
    compare "$t" $emulator "$work/$t/lake"
}

# The lines of doc/PORTING.md for a machine without make, as they stand there, on a copy of the sources.
one_line() {
    wanted one-line || return
    mkdir -p "$work/copy" && cd "$root" && cp -R ./*.c ./*.h base cli convert eval image kernel method weights "$work/copy" || exit 2
    sed -n '/^## Without GNU make/,/^## What/ s/^    //p' doc/PORTING.md > "$work/copy/commands.sh"
    cd "$work/copy" || exit 2
    check "one-line: doc/PORTING.md's lines without make" sh -e commands.sh
    compare one-line "$work/copy/lake"
}

[ -n "$python" ] || { echo "skip portability: no Python on this machine, which makes the model"; exit 0; }
(cd "$root" && ${MAKE:-make} BUILD="$work/native" OPENMP=no "$work/native/lake") > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
unset LAKE_KERNEL # each target takes the best kernel it has, the native program for comparison the plain one
check "a model and pictures" world
check "the native plain kernel's job" job "$work/reference" env LAKE_KERNEL=plain "$work/native/lake"
check "the tests' folder" stand_in

target s390x s390x-linux-gnu-gcc qemu-s390x LDFLAGS=-static
target powerpc powerpc-linux-gnu-gcc qemu-ppc LDFLAGS=-static
target armhf arm-linux-gnueabihf-gcc qemu-arm LDFLAGS=-static
target armhf-signed arm-linux-gnueabihf-gcc qemu-arm LDFLAGS=-static CFLAGS="-O2 -fsigned-char"
target aarch64 aarch64-linux-gnu-gcc qemu-aarch64 LDFLAGS=-static
target riscv64 riscv64-linux-gnu-gcc qemu-riscv64 LDFLAGS=-static
target i686 i686-linux-gnu-gcc qemu-i386 LDFLAGS=-static
target musl musl-gcc - LDFLAGS=-static
target tcc tcc -
target clang clang -
target unsigned-char "${CC:-cc}" - CFLAGS="-O2 -funsigned-char"
one_line

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
