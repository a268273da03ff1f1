#!/usr/bin/env python3
"""The headers that `make install` installs serve a C++ program, too: one that includes them all, and each alone, compiles
without a warning and links against liblake.a. Standard library only."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
LIBRARY = os.path.join(os.path.dirname(LAKE), "liblake.a")
COMPILERS = [("g++", "gcc"), ("clang++", "clang")]

PROGRAM = r"""
#include <cstdio>

typedef void (*Function)();
static Function volatile called[] = {reinterpret_cast<Function>(tensor_begin), reinterpret_cast<Function>(tok_open),
                                     reinterpret_cast<Function>(map_of_grid), reinterpret_cast<Function>(draw_heatmap)};

int main()
{
    Error e = {0, ""};
    Clip model;
    LakeOptions options;
    LakeDetector detector;
    Image image;
    ConvertOptions conversion;
    WtsFile *weights;

    lake_defaults(&options);
    convert_defaults(&conversion);
    error_set(&e, LAKE_BAD_INPUT, "%s", "an error");
    bool refused = clip_open(&model, "missing.clip", &e) == LAKE_BAD_INPUT && lake_detector_read(&detector, "missing.lake", &e) == LAKE_BAD_INPUT &&
                   img_read(&image, "missing.png", 0, &e) == LAKE_BAD_INPUT && wts_open(&weights, "missing.clip", &e) == LAKE_BAD_INPUT;
    std::printf("%s, %s\n", refused && called[0] != 0 ? "refused" : "opened", lake_selection_name(options.selection));
    return 0;
}
"""


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def compiler_like(c):
    """The C++ compiler of the same make as the C compiler, whose libraries (OpenMP, sanitizers) the objects may need."""
    family = "clang" if "clang" in c else "gcc"
    name = next(plus for plus, plain in COMPILERS if plain == family)
    return shutil.which(name)


def main():
    headers = re.search(r"^PUBLIC_HEADERS := (.*)$", pathlib.Path("Makefile").read_text(), re.M).group(1).split()
    plain = shlex.split(os.environ.get("CC", "cc"))
    compiler = compiler_like(plain[0])
    if compiler is None or "tcc" in plain[0]:
        print(f"skip C++: no C++ compiler to go with {plain[0]} on this machine")
        return
    call = [compiler, "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *shlex.split(os.environ.get("CFLAGS", "-O2")), "-I."]
    with tempfile.TemporaryDirectory() as folder:
        source, program = f"{folder}/a.cpp", f"{folder}/a"
        for header in headers:
            pathlib.Path(source).write_text(f'#include "{header}"\n#include "{header}"\n')
            r = subprocess.run(call + ["-fsyntax-only", source], capture_output=True, text=True)
            check(r.returncode == 0, f"C++: {header} alone", r.stderr)
        pathlib.Path(source).write_text("".join(f'#include "{header}"\n' for header in headers) + PROGRAM)
        r = subprocess.run(call + [source, LIBRARY, "-lm", "-o", program], capture_output=True, text=True)
        check(r.returncode == 0, "C++: a program with every public header compiles and links", r.stderr[-2000:])
        if r.returncode == 0:
            r = subprocess.run([program], capture_output=True, text=True, cwd=folder)
            check(r.stdout == "refused, variance\n", "C++: it calls the library", r.stdout + r.stderr)


if __name__ == "__main__":
    main()
