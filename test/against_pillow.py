"""Pictures through `lake pixels` and through Pillow, for the tests that compare the two byte for byte. Both sides are PPM
files in memory."""
import io
import os
import subprocess

from PIL import Image, ImageOps

LAKE = os.environ.get("LAKE", "./lake")


def lake_pixels(folder, name, data, options=()):
    """(exit code, the PPM that the command writes for a file of this content, else its message)"""
    source, target = os.path.join(folder, f"{name}.in"), os.path.join(folder, f"{name}.ppm")
    with open(source, "wb") as f:
        f.write(data)
    done = subprocess.run([LAKE, "pixels", source, "-o", target, *options], capture_output=True)
    if done.returncode != 0:
        return done.returncode, done.stderr
    with open(target, "rb") as f:
        return 0, f.read()


def pillow_pixels(data, upright=False, size=0):
    """What Pillow shows: turned as EXIF says, resized to size x size, where asked. A message where it refuses."""
    try:
        image = Image.open(io.BytesIO(data))
        image = (ImageOps.exif_transpose(image) if upright else image).convert("RGB")
    except Exception as error:  # Pillow raises many kinds
        return f"Pillow: {error!r}".encode()
    if size:
        image = image.resize((size, size), Image.BICUBIC)
    return b"P6\n%d %d\n255\n" % image.size + image.tobytes()


def ppm(pixels):
    """The file of an array [height, width, 3]."""
    return b"P6\n%d %d\n255\n" % (pixels.shape[1], pixels.shape[0]) + pixels.astype("uint8").tobytes()


def difference(found, expected):
    """What to say of two results that are not the same: pixels or messages."""
    if not (found.startswith(b"P6") and expected.startswith(b"P6")):
        texts = ["pixels" if r.startswith(b"P6") else r[:200].decode("utf-8", "replace").strip() for r in (found, expected)]
        return f"{texts[0]} (expected: {texts[1]})"
    (_, size, _, rgb), (_, wanted_size, _, wanted) = (r.split(b"\n", 3) for r in (found, expected))
    if size != wanted_size:
        return f"{size.decode()} pixels, expected {wanted_size.decode()}"
    differ = [i for i in range(len(wanted)) if rgb[i] != wanted[i]]
    row, column = divmod(differ[0] // 3, int(size.split()[0]))
    return f"{len(differ)} bytes differ, first at row {row} column {column}: {rgb[differ[0]]}, expected {wanted[differ[0]]}"
