#!/usr/bin/env python3
"""The page that `lake demo` writes: it parses as XML, refers to nothing outside itself but by links, names only commands that exist,
and, where Chromium is installed, loads without a message or a request and fits a phone's width. Standard library only."""
import html
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import tiny

LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
XHTML = "{http://www.w3.org/1999/xhtml}"


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def skip(name, reason):
    print(f"skip {name}: {reason}", flush=True)


def smaller_model(folder):
    """Options that make the demo a matter of seconds under the sanitizers too: a tiny random model."""
    if "asan" not in LAKE:
        return []
    os.makedirs(folder, exist_ok=True)
    checkpoint, vocabulary, weights = (os.path.join(folder, n) for n in ("tiny.safetensors", "bpe_simple_vocab_16e6.txt", "tiny.clip"))
    tiny.write_safetensors(checkpoint, tiny.clip_tensors())
    tiny.write_vocabulary(vocabulary)
    subprocess.run([LAKE, "convert", checkpoint, "-o", weights], check=True, capture_output=True)
    return ["--weights", weights]


def write_page(folder):
    """The page's path, or None with the reason."""
    if subprocess.run([LAKE, "demo", "--help"], capture_output=True).returncode != 0:
        return None, "lake has no verb demo"
    r = subprocess.run([LAKE, "demo", "-o", folder, *smaller_model(folder)], capture_output=True, text=True)
    if r.returncode != 0 and "built without" in r.stderr:
        return None, "the program was built without the demo"
    check(r.returncode == 0, "lake demo", r.stderr)
    pages = sorted(pathlib.Path(folder).glob("*.html"))
    return (pages[0], "") if pages else (None, "lake demo writes no page")


def check_structure(text):
    try:
        root = xml.etree.ElementTree.fromstring(text.split("\n", 1)[1])
    except xml.etree.ElementTree.ParseError as error:
        check(False, "the page is well-formed XML", error)
        return None
    check(text.startswith("<!DOCTYPE html>\n"), "the page has a doctype", text[:40])
    elements = list(root.iter())
    ids = [e.get("id") for e in elements if e.get("id")]
    check(len(ids) == len(set(ids)), "ids are unique", ids)
    targets = [e.get("href")[1:] for e in elements if (e.get("href") or "").startswith("#")]
    check(targets and set(targets) <= set(ids), "links within the page have their targets", set(targets) - set(ids))
    loaded = [e.get(key) for e in elements for key in ("src", "srcset", "data", "poster") if e.get(key)]
    loaded += [e.get("href") for e in elements if e.tag in (XHTML + "link", XHTML + "base")]
    check(loaded and all(url.startswith("data:") for url in loaded), "whatever is loaded is inside the page",
          [url[:60] for url in loaded if not url.startswith("data:")])
    check("@import" not in text and "url(" not in text and "<script" not in text, "no script, no style from elsewhere")
    images = [e for e in elements if e.tag == XHTML + "img"]
    check(images and all(e.get("alt") for e in images), "every picture has a text")
    charts = [e for e in elements if e.tag.endswith("}svg") and not e.get("aria-hidden")]
    check(charts and all(e.get("aria-label") for e in charts), "every chart has a name")
    levels = [int(e.tag[-1]) for e in elements if re.fullmatch(re.escape(XHTML) + "h[1-6]", e.tag)]
    check(levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])),
          "headings are nested without gaps", levels)
    return root


def check_commands(root):
    for block in root.iter(XHTML + "pre"):
        for line in "".join(block.itertext()).splitlines():
            words = shlex.split(line)
            r = subprocess.run([LAKE, words[1], "--help"], capture_output=True, text=True)
            missing = [w for w in words if w.startswith("-") and w + " " not in r.stdout]
            check(words[0] == "lake" and r.returncode == 0 and not missing, f"page: {line}", f"unknown: {missing}")


def chromium(folder, url, *options):
    """Loads url without a network; -> (the document afterwards, messages)."""
    profile = tempfile.mkdtemp(dir=folder)
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
               "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--dump-dom", *options, url]
    r = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return r.stdout, r.stderr


def check_loading(folder, page):
    log = os.path.join(folder, "net.json")
    document, messages = chromium(folder, page.as_uri(), f"--log-net-log={log}")
    check("</main>" in document, "Chromium loads the page", messages[-500:])
    console = [line for line in messages.splitlines() if "CONSOLE" in line]
    check(not console, "no message in the console", console)
    # Requests that the browser makes for itself have "not an origin" as their initiator, those of a file's page "null".
    parameters = [event.get("params", {}) for event in json.load(open(log))["events"]]
    requested = {p["url"] for p in parameters if "url" in p and p.get("initiator", "not an origin") != "not an origin"}
    outside = [url for url in requested if not url.startswith(("file:", "data:"))]
    check(not outside, "the page requests nothing", outside)


def check_phone(folder, page):
    """The width of the document in a frame as wide as a phone. What is wider than the screen must scroll by itself."""
    probe = pathlib.Path(folder, "probe.html")
    probe.write_text("<!DOCTYPE html><p id='width'></p><iframe style='width:360px;height:640px;border:0' onload=\""
                     "document.getElementById('width').textContent='width '+this.contentDocument.documentElement.scrollWidth\" "
                     f"srcdoc=\"{html.escape(page.read_text(encoding='utf-8'))}\"></iframe>", encoding="utf-8")
    document, messages = chromium(folder, probe.as_uri(), "--virtual-time-budget=5000")
    width = re.search(r"width (\d+)", document)
    check(width and int(width.group(1)) <= 360, "the page fits 360 pixels", width and width.group(0) or messages[-300:])


def main():
    with tempfile.TemporaryDirectory() as folder:
        page, reason = write_page(os.path.join(folder, "demo"))
        if page is None:
            skip("the demo's page", reason)
            return
        root = check_structure(page.read_text(encoding="utf-8"))
        if root is None:
            return
        check_commands(root)
        if CHROMIUM is None:
            skip("the page in a browser", "no Chromium on this machine")
            return
        check_loading(folder, page)
        check_phone(folder, page)


if __name__ == "__main__":
    sys.exit(main())
