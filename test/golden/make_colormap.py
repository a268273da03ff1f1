"""Writes image/colormap.c: 256 colours from dark indigo over magenta and orange to light yellow.

In OKLab (B. Ottosson, "A perceptual color space for image processing", 2020) the lightness L rises linearly, and (a, b)
moves along a spline at constant speed, so each step of the map is the same perceived step. POINTS are the spline's control
points, chosen so that every colour lies inside sRGB at its lightness (the script says by how much); they are this project's own.
Run from the checkout's root: /usr/bin/python3 test/golden/make_colormap.py"""
import numpy as np
from scipy.interpolate import CubicSpline

DARK, LIGHT = 0.20, 0.965
POINTS = [(283, 0.095), (302, 0.153), (328, 0.181), (2, 0.192), (36, 0.178), (62, 0.153), (88, 0.147), (106, 0.090)]  # hue in degrees, chroma


def to_linear_srgb(lab):
    """OKLab to linear sRGB, Ottosson's matrices."""
    l, a, b = np.moveaxis(lab, -1, 0)
    lms = np.stack([l + 0.3963377774 * a + 0.2158037573 * b, l - 0.1055613458 * a - 0.0638541728 * b,
                    l - 0.0894841775 * a - 1.2914855480 * b], -1) ** 3
    return lms @ np.array([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
                           [-0.0041960863, -0.7034186147, 1.7076147010]]).T


def encode(linear):
    """The sRGB transfer function, to bytes."""
    x = np.clip(linear, 0, 1)
    return np.uint8(np.round(255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)))


def path(count):
    hue, chroma = np.radians([p[0] for p in POINTS]), np.array([p[1] for p in POINTS])
    hue = np.unwrap(hue)
    knots = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    curve = CubicSpline(np.linspace(0, 1, len(POINTS)), knots)(np.linspace(0, 1, 20001))
    length = np.r_[0, np.cumsum(np.hypot(*np.diff(curve, axis=0).T))]
    even = np.interp(np.linspace(0, length[-1], count), length, np.arange(len(length)))
    ab = np.stack([np.interp(even, np.arange(len(curve)), curve[:, i]) for i in range(2)], 1)
    return np.concatenate([np.linspace(DARK, LIGHT, count)[:, None], ab], 1)


def main():
    linear = to_linear_srgb(path(256))
    print(f"linear sRGB from {linear.min():.4f} to {linear.max():.4f} (inside sRGB: 0 to 1)")
    colours = encode(linear)
    with open("image/colormap.c", "w") as out:
        out.write("/* The colour map, made by test/golden/make_colormap.py, which tells how. */\n"
                  "#include \"image/colormap.h\"\n\nconst unsigned char colormap[256][3] = {\n")
        for i in range(0, 256, 8):
            out.write("    " + ", ".join("{%3d, %3d, %3d}" % tuple(c) for c in colours[i:i + 8]) + ("," if i < 248 else "") + "\n")
        out.write("};\n")


if __name__ == "__main__":
    main()
