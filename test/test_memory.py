#!/usr/bin/env python3
"""Out of memory: each operation is run again and again, and each time another one of its requests for memory fails.

Every run must end with the code for resources (4) and one line that says so, and leave no output, whole or in parts. The
requests are made to fail by a small library in front of malloc (LD_PRELOAD), which counts those that come from the program
itself. Needs Linux, a C compiler and Python's standard library; skipped elsewhere and where the program brings an allocator
of its own, as sanitizers do.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
MOST = 48  # requests tried per operation: the first half of this number, and as many spread over the rest

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

static long count;

/* 1 where this request is the one to fail. Requests of libraries are no business of ours: libgomp ends the program. */
static int fails(void *caller)
{
    static long wanted = -1;
    Dl_info program, info; /* the object with the program's headers, and the one with the caller */

    if (wanted < 0) {
        const char *text = getenv("FAIL_AT");
        wanted = text != NULL ? atol(text) : 0;
    }
    if (dladdr((void *)getauxval(AT_PHDR), &program) == 0 || dladdr(caller, &info) == 0)
        return 0;
    return info.dli_fbase == program.dli_fbase && ++count == wanted;
}

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? (errno = ENOMEM, NULL) : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? (errno = ENOMEM, NULL) : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    return fails(__builtin_return_address(0)) ? (errno = ENOMEM, NULL) : __libc_realloc(old, size);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("FAIL_COUNT");
    FILE *f = path != NULL ? fopen(path, "w") : NULL;

    if (f != NULL) {
        fprintf(f, "%ld", count);
        fclose(f);
    }
}
"""


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def run(shim, arguments, **variables):
    environment = dict(os.environ, LD_PRELOAD=shim, OMP_NUM_THREADS="1", **variables)
    return subprocess.run([LAKE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)


def requests(shim, folder, arguments):
    """How often the operation asks for memory, or None where it does not run under the shim."""
    path = os.path.join(folder, "count")
    r = run(shim, arguments, FAIL_COUNT=path)
    if r.returncode != 0 or not os.path.exists(path):
        return None
    with open(path) as f:
        return int(f.read())


def starve(name, shim, folder, arguments, out):
    total = requests(shim, folder, arguments)
    if not total:
        check(False, name, "does not run under the shim, or asks for no memory")
        return
    rest = range(MOST // 2 + 1, total + 1, max(1, (total - MOST // 2) // (MOST // 2)))
    wrong = []
    for n in [*range(1, min(total, MOST // 2) + 1), *rest]:
        if out is not None and os.path.exists(out):
            os.remove(out)
        r = run(shim, arguments, FAIL_AT=str(n))
        lines = [line for line in r.stderr.splitlines() if ": note: " not in line]
        left = [f for f in os.listdir(folder) if ".part" in f] + ([out] if out is not None and os.path.exists(out) else [])
        if r.returncode != 4 or len(lines) != 1 or "out of memory" not in lines[0] or left:
            wrong.append((n, r.returncode, r.stderr[-200:], left))
    check(not wrong, f"{name}: {total} requests", f"{len(wrong)} end otherwise, as {wrong[:2]}")


def main():
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or compiler is None:
        print("skip memory: needs Linux and a C compiler")
        return
    with tempfile.TemporaryDirectory() as folder:
        shim = os.path.join(folder, "shim.so")
        at = lambda name: os.path.join(folder, name)
        built = subprocess.run([compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", shim, "-ldl"], input=SHIM, text=True, stderr=subprocess.PIPE)
        if built.returncode != 0 or requests(shim, folder, ["--version"]) is None:
            print("skip memory: no library in front of malloc can be built, or the program does not run behind it")
            return
        tiny.write_safetensors(at("t.safetensors"), tiny.clip_tensors(layers=2, text_layers=1))
        tiny.write_vocabulary(at("bpe_simple_vocab_16e6.txt"))
        for i in range(2):
            tiny.write_png(at(f"{i}.png"), 32, 32, tiny.texture(i))
        convert = ["convert", at("t.safetensors"), "-o"]
        fit = ["fit", at("0.png"), at("1.png"), "--weights", at("t.clip"), "--res", "32", "--layers", "1", "--neurons", "8", "--class", "nut"]
        subprocess.run([LAKE, *convert, at("t.clip")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run([LAKE, *fit, "-o", at("d.lake")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        starve("convert", shim, folder, [*convert, at("u.clip")], at("u.clip"))
        starve("convert to q8", shim, folder, [*convert, at("u.clip"), "--dtype", "q8"], at("u.clip"))
        starve("convert a .clip file", shim, folder, ["convert", at("t.clip"), "--dtype", "q8", "-o", at("u.clip")], at("u.clip"))
        starve("info", shim, folder, ["info", at("t.clip")], None)
        starve("fit", shim, folder, [*fit, "-o", at("e.lake")], at("e.lake"))
        starve("fit with all parts", shim, folder, [*fit, "--select", "pca", "--coreset", "0.5", "--trim", "0.1", "--keep-tokens", "-o", at("e.lake")], at("e.lake"))
        starve("score", shim, folder, ["score", at("d.lake"), at("1.png")], None)
        starve("pixels", shim, folder, ["pixels", at("0.png"), "--res", "24", "-o", at("p.png")], at("p.png"))


main()
