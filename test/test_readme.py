#!/usr/bin/env python3
"""The README says nothing that the program does not do: its C example compiles and runs, its commands name real verbs and options.
Standard library only."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
LIBRARY = os.path.join(os.path.dirname(LAKE), "liblake.a")
COMPILER = shlex.split(os.environ.get("CC", "cc")) + shlex.split(os.environ.get("CFLAGS", "-O2"))


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def check_commands(text):
    helps = {}
    for line in re.findall(r"^    (lake .*)$", text, re.M):
        for command in re.split(r"&&", line.split("#")[0]):
            words = shlex.split(command)
            verb = words[1]
            if verb == "VERB":
                continue
            if verb not in helps:
                helps[verb] = subprocess.run([LAKE, verb, "--help"], capture_output=True, text=True)
            missing = [w for w in words if re.match(r"-[-a-z]", w) and w.split("=")[0] + " " not in helps[verb].stdout]
            check(helps[verb].returncode == 0 and not missing, f"README: {command.strip()}", f"unknown to lake {verb}: {missing}")


def check_example(text):
    source = re.search(r"```c\n(.*?)```", text, re.S).group(1)
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/good")
        tiny.write_vocabulary(f"{folder}/bpe_simple_vocab_16e6.txt")
        tiny.write_safetensors(f"{folder}/tiny.safetensors", tiny.clip_tensors())
        for i in range(4):
            tiny.write_png(f"{folder}/good/{i}.png", 64, 64, tiny.texture(i))
        tiny.write_png(f"{folder}/bad.png", 64, 64, tiny.texture(9, (40, 20, 9)))
        subprocess.run([LAKE, "convert", f"{folder}/tiny.safetensors"], check=True, capture_output=True)
        pathlib.Path(f"{folder}/example.c").write_text(source)
        r = subprocess.run(COMPILER + ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I.", f"{folder}/example.c", LIBRARY, "-lm",
                                       "-o", f"{folder}/example"], capture_output=True, text=True)
        check(r.returncode == 0, "README: the C example compiles", r.stderr)
        if r.returncode == 0:
            good = [f"{folder}/good/{i}.png" for i in range(4)]
            r = subprocess.run([f"{folder}/example", f"{folder}/tiny.clip", *good, f"{folder}/bad.png"], capture_output=True, text=True)
            check(r.returncode == 0 and "anomalous" in r.stdout, "README: the C example finds the anomaly", r.stdout + r.stderr)
            lines = len(source.splitlines())
            check(lines <= 50, "README: the C example is short", f"{lines} lines")


def main():
    text = pathlib.Path("README.md").read_text()
    check_commands(text)
    check_example(text)


if __name__ == "__main__":
    main()
