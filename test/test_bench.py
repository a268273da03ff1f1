#!/usr/bin/env python3
"""lake bench: it measures, says what it measured, and its line of JSON holds what the documents promise."""
import json
import os
import subprocess
import tempfile

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {str(detail)[:300]}", flush=True)


def run(*arguments, **env):
    return subprocess.run([LAKE, "bench", *arguments], capture_output=True, text=True, env={**os.environ, **env})


def main():
    found = {}
    r = run("--weights", "builtin:demo", "--res", "64", "--runs", "2", "--json")
    if r.returncode == 3 and "without" in r.stderr:
        print("skip the tower's time: built without the demo model")
    else:
        lines = r.stdout.splitlines()
        found = json.loads(lines[-1]) if r.returncode == 0 else {}
        wanted = ["seconds_per_image", "gflops", "peak_gflops", "peak_rss_mb", "threads", "kernel"]
        check(list(found)[:6] == wanted and found["seconds_per_image"] >= found["seconds_best"] > 0 and found["threads"] >= 1, "JSON", r.stdout + r.stderr)
        # the work is printed with one decimal
        work = [float(line.split(",")[1].split()[0]) for line in lines if "GFLOP" in line and "an image" in line]
        check(len(work) == 1 and abs(found["gflops"] - work[0] / found["seconds_per_image"]) < 0.6 * found["gflops"], "speed is work over time", r.stdout)
        check(r.stdout.count("an image") == 1 and "the first" in r.stdout and "memory" in r.stdout, "the report", r.stdout)
    if "asan" in LAKE or found.get("kernel", "plain") == "plain":
        print("skip the table of products: takes minutes with the plain kernel and under the sanitizers")
    else:
        r = run("--runs", "1")
        check(r.returncode == 0 and r.stdout.count("product ") == 8 and r.stdout.count("attention ") == 2 and r.stdout.startswith("kernel "), "the table", r.stdout + r.stderr)
    for arguments, says in ((["x"], "x"), (["--runs", "0"], "--runs"), (["--res", "7", "--weights", "builtin:demo"], "multiple"), (["--weights", "none.clip"], "none.clip")):
        r = run(*arguments)
        check(r.returncode in (2, 3, 4) and says in r.stderr and r.stderr.count("\n") == 1 and not r.stdout, f"refused: {' '.join(arguments)}", r.stderr + r.stdout)
    with tempfile.TemporaryDirectory() as folder:
        r = subprocess.run([LAKE, "bench", "--help"], capture_output=True, text=True, cwd=folder)
        check(r.returncode == 0 and "--json" in r.stdout and "Example" in r.stdout, "help", r.stdout)


main()
