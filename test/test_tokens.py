#!/usr/bin/python3
"""`lake tokens` with the published vocabulary against the reference of golden/make_tokens.py, and the three forms of a
vocabulary against each other. Needs ../shared (the vocabulary, a maker of checkpoints), regex and torch, else it
skips."""
import gzip
import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.path.join(ROOT, "..", "shared")
VOCABULARY = os.path.join(SHARED, "data", "bpe_simple_vocab_16e6.txt.gz")
MAKER = os.path.join(SHARED, "peers", "clip_torch.py")
LAKE = os.path.abspath(os.environ.get("LAKE", os.path.join(ROOT, "lake")))


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)
    return passed


def missing():
    """Why the test cannot run, or None."""
    for path in (VOCABULARY, MAKER):
        if not os.path.exists(path):
            return f"{os.path.relpath(path, ROOT)} is absent"
    for module in ("regex", "torch", "numpy"):
        if importlib.util.find_spec(module) is None:
            return f"Python's module {module} is absent"
    return None


def run(*arguments, data=None):
    return subprocess.run([LAKE, *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def one_line(data):
    return " ".join(data.decode(errors="replace").split())[:300]


def lake_tokens(texts, weights):
    """The lines of ids for texts without line ends (by standard input) or with them (as arguments)."""
    lines = [b for b in texts if b"\n" not in b]
    others = [b for b in texts if b"\n" in b]
    out = run("tokens", "-", "--weights", weights, data=b"\n".join(lines) + b"\n")
    answers = dict(zip(lines, out.stdout.decode().splitlines()))
    message = one_line(out.stderr) if out.returncode else ""
    if others:
        out = run("tokens", *others, "--weights", weights)
        answers.update(zip(others, out.stdout.decode().splitlines()))
        message = message or (one_line(out.stderr) if out.returncode else "")
    return answers, message


def write_forms(folder, tokenizer, start, end):
    """The vocabulary as vocab.json + merges.txt and as tokenizer.json of the two kinds; returns their paths."""
    paths = [os.path.join(folder, name) for name in ("vocab.json", "merges.txt", "tokenizer.json", "pairs/tokenizer.json")]
    with open(paths[0], "w", encoding="utf-8") as f:
        json.dump(tokenizer.ids, f)  # escapes every character beyond ASCII
    with open(paths[1], "w", encoding="utf-8") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in tokenizer.merges))
    os.mkdir(os.path.dirname(paths[3]))
    for path, merges in ((paths[2], [f"{a} {b}" for a, b in tokenizer.merges]), (paths[3], tokenizer.merges)):
        model = {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": tokenizer.ids, "merges": merges}
        added = [{"id": tokenizer.ids[s], "content": s, "special": True} for s in (start, end)]
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"version": "1.0", "added_tokens": added, "model": model}, f, ensure_ascii=False)
    return paths


def compare_texts(reference, tokenizer, weights):
    texts = [*dict.fromkeys([*reference.texts(), *reference.random_texts(random.Random(2), 400)])]
    texts = [b for b in texts if not (b"\n" in b and b.startswith(b"-"))]  # would be read as an option
    answers, message = lake_tokens(texts, weights)
    wrong = [b for b in texts if answers.get(b) != " ".join(map(str, tokenizer.encode(b)))]
    first = f"{wrong[0]!r}: expected {tokenizer.encode(wrong[0])}, found {answers.get(wrong[0])}" if wrong else ""
    check(len(texts) >= 2000 and not wrong, f"{len(texts)} texts with the published vocabulary",
          f"{len(wrong)} differ, the first is {first} {message}")


def compare_forms(reference, tokenizer, checkpoint, weights, folder):
    with open(weights, "rb") as f:
        expected = f.read()
    for path in write_forms(folder, tokenizer, reference.START, reference.END):
        other = os.path.join(folder, "other.clip")
        out = run("convert", checkpoint, "-o", other, "--vocab", path)
        same = out.returncode == 0 and open(other, "rb").read() == expected
        check(same, f"{os.path.relpath(path, folder)} gives the same file", one_line(out.stderr) or "the bytes differ")


def main():
    reason = missing()
    if reason:
        print(f"skip tokens with the published vocabulary: {reason}")
        return
    sys.path.insert(0, os.path.join(ROOT, "test", "golden"))
    sys.dont_write_bytecode = True
    import make_tokens as reference

    if not check(os.access(LAKE, os.X_OK), "the command is there", f"{LAKE} is absent"):
        return
    with gzip.open(VOCABULARY, "rt", encoding="utf-8") as f:
        tokenizer = reference.Tokenizer([tuple(line.split()) for line in f.read().split("\n")[1:48895]])
    fox = tokenizer.encode(b"a photo of a fox")
    check(fox == [49406, 320, 1125, 539, 320, 3240, 49407], "the reference gives the ids of a published example", str(fox))
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, weights = os.path.join(folder, "tiny.safetensors"), os.path.join(folder, "tiny.clip")
        subprocess.run([sys.executable, MAKER, "make", "tiny-49408", checkpoint], check=True)
        out = run("convert", checkpoint, "-o", weights, "--vocab", VOCABULARY)
        if check(out.returncode == 0, "a checkpoint is converted with the published vocabulary", one_line(out.stderr)):
            compare_texts(reference, tokenizer, weights)
            compare_forms(reference, tokenizer, checkpoint, weights, folder)


if __name__ == "__main__":
    main()
