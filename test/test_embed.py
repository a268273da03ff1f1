#!/usr/bin/env python3
"""The model inside the program: what weights/demo/embed.sh makes of a folder, and which weights a verb takes.

The command is linked twice more, with a tiny random model and with none, from its own sources and the library that stands beside
$LAKE; compiler and flags are those of `make test`. Standard library only.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tiny

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAKE = pathlib.Path(os.environ.get("LAKE", "./lake")).resolve()
LIBRARY = LAKE.parent / "liblake.a"
CC = shlex.split(os.environ.get("CC", "cc"))
CFLAGS = shlex.split(os.environ.get("CFLAGS", "-fopenmp")) + ["-O0"]  # alone: as a plain `make` with gcc or clang
EMBED = ROOT / "weights" / "demo" / "embed.sh"
NOTE = "built-in demo model"

# Prints what demo.h promises: the weights' size and sum of bytes, then path, size and bytes of each picture.
SHOW = r"""
#include <stdio.h>
#include "weights/demo/demo.h"
int main(void)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < demo_weights_size; i++)
        sum = (sum * 31 + demo_weights[i]) % 1000003;
    printf("%lu %lu\n", (unsigned long)demo_weights_size, sum);
    for (size_t i = 0; i < demo_picture_count; i++) {
        printf("%s %lu ", demo_pictures[i].path, (unsigned long)demo_pictures[i].size);
        for (size_t k = 0; k < demo_pictures[i].size; k++)
            printf("%02x", demo_pictures[i].bytes[k]);
        printf("\n");
    }
    return 0;
}
"""


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)
    return passed


def run(program, *arguments, **env):
    environment = {**{k: v for k, v in os.environ.items() if k != "LAKE_WEIGHTS"}, **env}
    return subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, timeout=300)


def expect(result, name, code, says=(), silent=()):
    text = result.stderr
    problems = [f"exit code {result.returncode}, expected {code}"] if result.returncode != code else []
    problems += [f"no word of {word!r}" for word in says if word not in text] + [f"{word!r} was said" for word in silent if word in text]
    return check(not problems, name, "; ".join(problems) + " | " + text[-600:])


def embed(out, *folder):
    with open(out, "w") as f:
        return subprocess.run(["sh", str(EMBED), *folder], stdout=f, stderr=subprocess.PIPE, text=True)


def compiled(*arguments):
    """Compiles in the project's folder; the line that failed, or an empty string."""
    r = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", *CFLAGS, "-I.", *map(str, arguments)], cwd=ROOT,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return r.stdout[-600:] or (f"exit code {r.returncode}" if r.returncode != 0 else "")


def check_script(home):
    """A folder's content as the program sees it."""
    folder = home / "demo_files"
    files = {"b/train/good/000.png": bytes(range(256)), "b/test/cut/000.jpg": b"\0", "a/test/good/1.jpeg": b"17 bytes are here",
             "a/ground_truth/cut/0_mask.png": bytes(16), "a/notes.txt": b"no picture"}
    for path, content in files.items():
        (folder / "pictures" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / path).write_bytes(content)
    weights = bytes(i * i % 251 for i in range(5003))
    total = 0
    for byte in weights:
        total = (total * 31 + byte) % 1000003
    (home / "show.c").write_text(SHOW)

    r = embed(home / "none.c", folder)
    check(r.returncode == 0, "pictures without a model", r.stderr)
    (folder / "demo.clip").write_bytes(weights)
    r = embed(home / "all.c", folder)
    check(r.returncode == 0 and not r.stderr, "embed.sh", r.stderr)
    listed = "".join(f"{p} {len(files[p])} {files[p].hex()}\n" for p in sorted(files) if not p.endswith(".txt"))
    for name, expected in (("none", "0 0\n"), ("all", f"{len(weights)} {total}\n{listed}")):
        problem = compiled(home / "show.c", home / f"{name}.c", "-o", home / name)
        if check(not problem, f"{name} tables compile without a warning", problem):
            found = run(str(home / name)).stdout
            check(found == expected, f"{name} tables hold the files byte for byte", f"{found[:300]} | {expected[:300]}")
    longest = max(map(len, (home / "all.c").read_text().splitlines()))
    check(longest <= 509, "no line is longer than every compiler takes", f"{longest} characters")
    (folder / "pictures" / 'a/quo"te.png').write_bytes(b"x")
    r = embed(home / "bad.c", folder)
    check(r.returncode != 0 and 'quo"te.png' in r.stderr, "a name that C or the shell would misread is refused", r.stderr)
    (folder / "demo.clip").write_bytes(b"")
    r = embed(home / "bad.c", folder)
    check(r.returncode != 0 and "demo.clip" in r.stderr, "an empty model is refused", r.stderr)


def make_world(home):
    """Two models, pictures, and both programs: with the first model inside, and with none."""
    os.chdir(home)
    tiny.write_vocabulary("bpe_simple_vocab_16e6.txt")
    for seed, name in enumerate(("tiny", "other")):
        tiny.write_safetensors(f"{name}.safetensors", tiny.clip_tensors(seed=seed, layers=2))
        if not expect(run(str(LAKE), "convert", f"{name}.safetensors", "-o", f"{name}.clip"), f"convert {name}", 0):
            return False
    for i in range(4):
        pathlib.Path("good").mkdir(exist_ok=True)
        tiny.write_png(f"good/{i}.png", 64, 64, tiny.texture(i))
    tiny.write_png("new.png", 64, 64, tiny.texture(11, (40, 20, 9)))
    pathlib.Path("demo").mkdir()
    shutil.copy("tiny.clip", "demo/demo.clip")
    embed("with.c", "demo")
    embed("without.c")
    sources = [ROOT / "main.c", *sorted((ROOT / "cli").glob("*.c"))]
    problem = "".join(compiled("-c", source, "-o", home / (source.stem + ".o")) for source in sources)
    for name in ("with", "without"):
        problem = problem or compiled(*(home / (source.stem + ".o") for source in sources), home / f"{name}.c", LIBRARY, "-lm", "-o", home / name)
    return check(not problem, "the command with a model inside and with none", problem)


def check_order(lake):
    """--weights, LAKE_WEIGHTS, what the detector names, the model inside."""
    fit = ["fit", "good", "--res", "64", "-o"]
    expect(run(lake, *fit, "built.lake"), "fit on the model inside, with a note", 0, [NOTE, "--weights", "LAKE_WEIGHTS", "lake fit: note: "])
    for name in ("tiny", "other"):
        expect(run(lake, *fit, f"{name}.lake", "--weights", f"{name}.clip"), f"--weights {name}.clip is what is used", 0, silent=[NOTE])
    expect(run(lake, *fit, "env.lake", LAKE_WEIGHTS="other.clip"), "LAKE_WEIGHTS is what is used", 0, silent=[NOTE])
    expect(run(lake, *fit, "named.lake", "--weights", "builtin:demo", LAKE_WEIGHTS="other.clip"), "the model inside by its name, without a note",
           0, silent=[NOTE])
    read = {name: pathlib.Path(f"{name}.lake").read_bytes() for name in ("built", "tiny", "other", "env", "named")}
    check(read["env"] == read["other"] and read["named"] == read["built"], "the same weights however named", {k: len(v) for k, v in read.items()})

    scores = {name: run(lake, "score", f"{name}.lake", "new.png", "--csv") for name in ("built", "tiny", "other")}
    expect(scores["built"], "score finds the model inside again", 0, silent=["note"])
    check(scores["built"].stdout == scores["tiny"].stdout != scores["other"].stdout, "the model inside scores like its file", scores["built"].stdout)
    r = run(lake, "score", "built.lake", "new.png", LAKE_WEIGHTS="other.clip")
    expect(r, "other weights than the model inside are refused", 3, ["built.lake", "builtin:demo", "other.clip", "fingerprint"])
    r = run(lake, "score", "built.lake", "new.png", "--csv", "--weights", "builtin:demo", LAKE_WEIGHTS="other.clip")
    check(r.returncode == 0 and r.stdout == scores["built"].stdout, "as the message says, by --weights", r.stderr)
    expect(run(lake, "score", "other.lake", "new.png", "--weights", "builtin:demo"), "the model inside in place of others is refused", 3, ["fingerprint"])


def check_lost_files(lake):
    expected = run(lake, "score", "tiny.lake", "new.png", "--csv").stdout
    for name in ("tiny", "other"):
        os.rename(f"{name}.clip", f"moved_{name}.clip")
    r = run(lake, "score", "tiny.lake", "new.png", "--csv")
    expect(r, "a file that is gone, and the model inside is the same", 0, ["lake score: note: tiny.clip", NOTE])
    check(r.stdout == expected, "it scores the same", r.stdout)
    expect(run(lake, "score", "other.lake", "new.png"), "a file that is gone, and the model inside is another", 3, ["other.clip", "--weights"], [NOTE])
    for name in ("tiny", "other"):
        os.rename(f"moved_{name}.clip", f"{name}.clip")


def check_names(lake):
    """No file takes the name's place, and a file of that name can be reached."""
    inside, file = run(lake, "info", "builtin:demo"), run(lake, "info", "tiny.clip")
    check(inside.returncode == 0 and inside.stdout.replace("builtin:demo", "tiny.clip") == file.stdout, "info on the model inside", inside.stdout + inside.stderr)
    shutil.copy("other.clip", "builtin:demo")
    check(run(lake, "info", "builtin:demo").stdout == inside.stdout, "a file of that name is not taken for it")
    expect(run(lake, "score", "built.lake", "new.png"), "nor by a detector", 0)
    other = run(lake, "info", "other.clip").stdout
    check(run(lake, "info", "./builtin:demo").stdout.replace("./builtin:demo", "other.clip") == other, "the file is reached by ./")
    os.remove("builtin:demo")


def check_other_verbs(lake):
    for verb, *arguments in (("zero", "new.png", "--class", "cloth", "--res", "64"), ("embed", "new.png", "-o", "e.npy"), ("tokens", "a photo")):
        unnamed, named = run(lake, verb, *arguments), run(lake, verb, *arguments, "--weights", "tiny.clip")
        expect(unnamed, f"{verb} on the model inside", 0, [f"lake {verb}: note: ", NOTE])
        check(unnamed.stdout == named.stdout, f"{verb} says what it does with the file", unnamed.stdout + named.stdout)


def check_without(lake):
    expect(run(lake, "fit", "good", "-o", "x.lake"), "no weights at all", 2, ["--weights", "LAKE_WEIGHTS", "lake convert", "without the demo model"])
    expect(run(lake, "info", "builtin:demo"), "info on a model that is not inside", 3, ["builtin:demo", "--weights", "EMBED"])
    expect(run(lake, "score", "built.lake", "new.png"), "a detector of a model that is not inside", 3, ["builtin:demo", "--weights"])
    check(run(lake, "score", "built.lake", "new.png", "--weights", "tiny.clip").returncode == 0, "it works with the file of those weights")
    os.rename("tiny.clip", "moved.clip")
    expect(run(lake, "score", "tiny.lake", "new.png"), "a file that is gone, and no model inside", 3, ["tiny.clip", "--weights"])
    check(not os.path.exists("x.lake"), "nothing was left")


def main():
    if shutil.which(CC[0]) is None or not LIBRARY.exists():
        print(f"skip embed: no compiler {CC[0]}" if LIBRARY.exists() else f"skip embed: no {LIBRARY}, to link the command with")
        return
    r = run(str(LAKE), "info", "builtin:demo")
    expect(r, "the program's own demo model is whole, or it says that there is none", 0 if "verified" in r.stdout else 3,
           [] if "verified" in r.stdout else ["without the demo model"])
    start = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder).resolve()
        try:
            check_script(home)
            if make_world(home):
                check_order(str(home / "with"))
                check_lost_files(str(home / "with"))
                check_names(str(home / "with"))
                check_other_verbs(str(home / "with"))
                check_without(str(home / "without"))
        finally:
            os.chdir(start)


if __name__ == "__main__":
    main()
