#!/usr/bin/python3
"""doc/METHOD.md leads a reader from formulas to code; this test walks the same way. Every `file:function` that it cites
must be defined in that file, every --option must be one of the command's, every path must exist; and every equation of
lake.c, that is every public function there, must be cited. weights/README.md must state the checksums that are compared. Needs Python's standard library alone."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
METHOD = ROOT / "doc" / "METHOD.md"
PROTOTYPE = r"^(?!static\b)(?:\w+[\w\s*]*?[\s*])(\w+)\("
OTHER_COMMANDS = {"--root", "--weights", "--res", "--neurons", "--shots"}  # eval/sweep.py's


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def is_defined(source, function, is_python):
    """A definition starts at column 0; in C a body follows its parameters, not a semicolon."""
    if is_python:
        return re.search(rf"^def {function}\(", source, re.M) is not None
    return re.search(rf"^\w[\w\s*]*?\b{function}\([^;{{}}]*\)\s*\{{", source, re.M) is not None


def check_functions(text):
    cited = sorted(set(re.findall(r"`([\w/]+\.(?:c|h|py)):(\w+)`", text)))
    check(len(cited) > 50, "functions are cited", f"only {len(cited)}, so the pattern of this test is likely wrong")
    for path, function in cited:
        file = ROOT / path
        found = file.is_file() and is_defined(file.read_text(), function, path.endswith(".py"))
        check(found, f"{path}:{function}", "not defined there" if file.is_file() else "no such file")


def check_equations(text):
    public = re.findall(PROTOTYPE, (ROOT / "lake.c").read_text(), re.M)
    check(len(public) >= 10, "lake.c's public functions are found", f"only {public}")
    for function in public:
        check(f"`lake.c:{function}`" in text, f"lake.c's {function} is in doc/METHOD.md", "not cited")


def check_options(text):
    known = set(re.findall(r'"(--[a-z-]+)"', "".join(p.read_text() for p in sorted((ROOT / "cli").glob("*.[ch]")))))
    for option in sorted(set(re.findall(r"--[a-z][a-z-]*", text)) - OTHER_COMMANDS):
        check(option in known, f"option {option}", "no verb has it")


def check_paths(text):
    for path in sorted(set(re.findall(r"`([\w/]+\.(?:c|h|py|txt|md))`", text))):
        check((ROOT / path).is_file(), f"path {path}", "no such file")


def check_checksums():
    """weights/README.md and the table in convert/known.c tell the same of OpenAI's files."""
    table = dict(re.findall(r'\{"([\w.-]+)", "([0-9a-f]{64})"\}', (ROOT / "convert" / "known.c").read_text()))
    told = dict(re.findall(r"^\| `([\w.-]+)` \| `([0-9a-f]{64})` \|$", (ROOT / "weights" / "README.md").read_text(), re.M))
    check(len(told) == 4 and all(table.get(name) == sha for name, sha in told.items()), "OpenAI's checksums in weights/README.md", f"{told}")


def main():
    check_checksums()
    if not METHOD.is_file():
        return check(False, "doc/METHOD.md", "no such file")
    text = METHOD.read_text()
    check_functions(text)
    check_equations(text)
    check_options(text)
    check_paths(text)


if __name__ == "__main__":
    main()
