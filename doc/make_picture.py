#!/usr/bin/env python3
"""Makes doc/demo.jpg, the README's picture, from the page of `lake demo`: for each category the first defective example there (the
first picture of the first kind of defect by name), as photo, heatmap and overlay. No example is chosen by hand.

    doc/make_picture.py [FOLDER]        FOLDER: what `lake demo -o FOLDER` wrote; without it the demo is run ($LAKE, default ./lake)

All pictures are the program's; this script lays them out and writes the names (Pillow).
"""
import base64
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from PIL import Image, ImageDraw, ImageFont

LAKE = os.environ.get("LAKE", "./lake")
SIDE = 192  # of a photo in the result
GAP, LABEL, COLUMNS = 6, 26, 2
FIGURE = re.compile(r'<figure class="card example">.*?</figure>', re.S)
PICTURE = re.compile(r'alt="[\w ]+ of ([^"]+)"[^>]*src="data:image/png;base64,([^"]+)"')


def examples(page):
    """A label and three pictures (photo, heatmap, overlay) for the first defective example of each category."""
    found = {}
    for figure in FIGURE.findall(page):
        pictures = PICTURE.findall(figure)
        category, _, kind, _ = pictures[0][0].split("/")
        if kind != "good" and category not in found:
            verdict = re.search(r"called (\w+)", figure).group(1)
            found[category] = (f"{category}, {kind}: called {verdict}", [decode(data) for _, data in pictures])
    return list(found.values())


def decode(data):
    """A picture as a square of SIDE; an overlay's colour bar, right of the photo, is left out."""
    picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    return picture.crop((0, 0, picture.height, picture.height)).resize((SIDE, SIDE), Image.BICUBIC)


def font():
    try:
        return ImageFont.truetype("DejaVuSans.ttf", 17)
    except OSError:
        return ImageFont.load_default()


def lay_out(entries):
    width, height = 3 * SIDE + 2 * GAP, LABEL + SIDE
    rows = -(-len(entries) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * width + (COLUMNS - 1) * 4 * GAP, rows * height + (rows - 1) * GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (label, pictures) in enumerate(entries):
        left, top = i % COLUMNS * (width + 4 * GAP), i // COLUMNS * (height + GAP)
        draw.text((left, top + 3), label, fill=(40, 40, 40), font=font())
        for k, picture in enumerate(pictures):
            sheet.paste(picture, (left + k * (SIDE + GAP), top + LABEL))
    return sheet


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder = sys.argv[1] if len(sys.argv) > 1 else scratch
        if len(sys.argv) == 1:
            subprocess.run([LAKE, "demo", "-o", folder], check=True, stdout=subprocess.DEVNULL)
        page = pathlib.Path(folder, "index.html").read_text(encoding="utf-8")
    lay_out(examples(page)).save("doc/demo.jpg", quality=88, optimize=True)


if __name__ == "__main__":
    main()
