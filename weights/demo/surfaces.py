"""The surfaces of the demo: cloth, metal, stone, mesh and other webs that fill the whole picture.

A family's X_product draws what one factory's product is, a dict; X_render draws one photo of it. Patterns are written
in coordinates whose unit is the product's pitch (a thread, a brick, a pebble), so a formula reads the same at every
scale: `lie` makes these coordinates, a pattern colours and a relief, `lit` lights the relief, `shot` takes the photo.
"""
import numpy as np
from scipy import ndimage

from picture import Family, Picture, edge, grid, hsv, mix, noise, shade

HELD_OUT = ("leather", "wood", "tile", "terrazzo")  # never trained on: the categories of the demo
TURN = 2 * np.pi
TABLE = 64  # random values by cell repeat after so many cells, more than a picture shows


# What all families share: the product, where it lies, light and camera

def colour(rng, hue=(0.0, 1.0), saturation=(0.05, 0.8), value=(0.3, 0.9)):
    return hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))


def tone(rng, base, spread=0.15):
    """A colour somewhat lighter or darker than base, and of slightly other hue."""
    return np.clip(base * rng.uniform(1 - spread, 1 + spread) + rng.normal(0, spread / 8, 3), 0, 1).astype(np.float32)


def other(rng, base, least=0.25):
    """A colour that differs from base enough to be seen beside it."""
    while True:
        found = colour(rng, value=(0.15, 0.95))
        if np.abs(found - base).mean() > least:
            return found


def scene(rng, pitch, base, square=False, **own):
    """A product: its pitch, colour and turn (square ones lie nearly upright), its light and camera, a ground that the
    colour stands out from, and what the family adds."""
    return dict(own, pitch=rng.uniform(*pitch), turn=rng.normal(0, 0.03) if square else rng.uniform(0, TURN),
                light=rng.uniform(0, TURN), fall=rng.uniform(0.0, 0.22), vignette=rng.uniform(0.0, 0.3),
                grain=rng.uniform(0.004, 0.018), base=base,
                ground=colour(rng, saturation=(0, 0.4), value=(0.03, 0.2) if base.mean() > 0.35 else (0.6, 0.9)))


def lie(p, rng, size, bend=0.05):
    """x, y of every pixel in pitches: some piece of the web, turned a little and bent softly by `bend` pitches."""
    x, y = grid(size, p["turn"] + rng.normal(0, 0.015), scale=p["pitch"] * (1 + rng.normal(0, 0.01)))
    across, down = rng.uniform(0.5, 2.0, 2) * TURN * p["pitch"]
    px, py, sx, sy = rng.uniform(0, TABLE, 4)
    return x + bend * np.sin(down * y + px) + np.float32(sx), y + bend * np.sin(across * x + py) + np.float32(sy)


def lit(p, height, depth, shine=0.0):
    """Brightness of a relief (height 0 to 1, `depth` pitches deep) under the product's light, and its highlights."""
    dy, dx = np.gradient(height * np.float32(depth * p["pitch"] * len(height)))
    c, s = np.cos(p["light"]), np.sin(p["light"])
    brightness = np.clip(1 + 0.6 * (c * dx + s * dy), 0.35, 1.7)
    if shine:
        brightness = brightness + shine * np.exp(-10 * ((dx - 0.4 * c) ** 2 + (dy - 0.4 * s) ** 2))
    return brightness


def shot(p, rng, rgb, solid=None):
    """The photo: uneven light, exposure and camera grain over the web; where it is not solid, the ground is seen."""
    size = len(rgb)
    x, y = grid(size, p["light"] + rng.normal(0, 0.15), centre=rng.normal(0.5, 0.03, 2))
    light = (1 - p["fall"] * x - p["vignette"] * (x * x + y * y)) * rng.normal(1, 0.025)
    behind = shade(p["ground"], light * (1 + 0.08 * rng.standard_normal((size, size))))
    if solid is not None:
        rgb = mix(behind, rgb, solid)
    grain = p["grain"] * rng.standard_normal((size, size), dtype=np.float32)
    photo = rgb * light[..., None] + grain[..., None]
    return Picture(np.clip(photo, 0, 1).astype(np.float32), np.ones((size, size), bool), behind)


# Patterns

def each(rng, number, low=0.0, high=1.0):
    """A random value for every cell, by its number."""
    return rng.uniform(low, high, TABLE * TABLE).astype(np.float32)[number]


def varied(rng, i, j=0, low=0.0, high=1.0):
    """A random value for every cell, by its column and row."""
    return each(rng, np.int32(i) % TABLE * TABLE + np.int32(j) % TABLE, low, high)


def cells(x, y, rng, jitter=1.0):
    """Voronoi cells of a grid's points moved at random: distance to the nearest and second point, the cell's number."""
    i, j = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    u, v = x - i, y - j
    px, py = (0.5 + jitter * rng.uniform(-0.5, 0.5, (2, TABLE * TABLE))).astype(np.float32)
    first, second = np.full_like(u, 9), np.full_like(u, 9)
    number = np.zeros_like(i)
    for a in (-1, 0, 1):
        for b in (-1, 0, 1):
            n = ((i + a) % TABLE) * TABLE + (j + b) % TABLE
            d = (px[n] + (a - u)) ** 2 + (py[n] + (b - v)) ** 2
            number = np.where(d < first, n, number)
            second = np.minimum(second, np.maximum(first, d))
            first = np.minimum(first, d)
    return np.sqrt(first), np.sqrt(second), number


def lattice(x, y, staggered):
    """The nearest point of a square or staggered lattice: place relative to it, its column and row."""
    row_height = 0.866 if staggered else 1.0
    j = np.floor(y / row_height)
    x = x + 0.5 * (j % 2) if staggered else x
    i = np.floor(x)
    return x - i - 0.5, y - (j + 0.5) * row_height, i, j


def bond(x, y, aspect, shift):
    """Courses of blocks one pitch high and `aspect` wide, every second one shifted: place in the block, column, row."""
    j = np.floor(y)
    x = x + shift * aspect * (j % 2)
    i = np.floor(x / aspect)
    return x - (i + 0.5) * aspect, y - j - 0.5, i, j


def box(u, v, width, height, corner):
    """Signed distance to a rectangle with round corners about the origin."""
    a, b = np.abs(u) - width / 2 + corner, np.abs(v) - height / 2 + corner
    return np.hypot(np.maximum(a, 0), np.maximum(b, 0)) + np.minimum(np.maximum(a, b), 0) - corner


def bumps(rng, size, width, stretch=1.0):
    """Noise of one coarseness, unit deviation: bumps `width` of the side wide, drawn out sideways by `stretch`."""
    sigma = width * size / 3
    field = ndimage.gaussian_filter(rng.standard_normal((size, size), dtype=np.float32), (sigma, sigma * stretch),
                                    mode="wrap", truncate=3)
    return field / field.std()


def pixel(p, size):
    """A pixel in pitches: the width of a sharp edge."""
    return 1.5 / (p["pitch"] * size)


# Cloth: threads that cross, and what is dyed or printed on them

def plain_weave(i, j):
    return (i + j) % 2 < 1


def cloth(p, rng, size, over, dyed):
    """Woven threads: over(column, row) tells whether the upright one is on top, dyed(x, y, upright) the colours."""
    x, y = lie(p, rng, size, bend=0.2)
    i, j = np.floor(x), np.floor(y)
    upright = over(i, j)
    across, along = np.where(upright, x - i, y - j), np.where(upright, y - j, x - i)
    height = np.sin(np.pi * across) * (1 - p["arch"] + p["arch"] * np.sin(np.pi * along))
    yarn = np.where(upright, varied(rng, i, low=1 - p["slub"], high=1.0), varied(rng, j, low=1 - p["slub"], high=1.0))
    soft = 1 + 0.04 * noise(rng, size, 0.5)
    return shot(p, rng, shade(dyed(x, y, upright), lit(p, height, p["depth"]) * (0.7 + 0.4 * height) * yarn * soft))


def cloth_product(rng, base, pitch=(0.035, 0.075), square=True, **own):
    return scene(rng, pitch, base, square, arch=rng.uniform(0.3, 0.6), slub=rng.uniform(0.05, 0.2),
                 depth=rng.uniform(0.1, 0.3), **own)


def two_tone(p):
    """Dye of cloth whose upright threads have one colour and whose level ones another."""
    return lambda x, y, upright: mix(p["level"], p["base"], upright)


def woven_product(rng):
    base = colour(rng, value=(0.4, 0.95))
    return cloth_product(rng, base, square=rng.random() < 0.6,
                         level=tone(rng, base) if rng.random() < 0.6 else other(rng, base, 0.15))


def woven_render(p, rng, size):
    """Plain cloth: each thread over one, under one."""
    return cloth(p, rng, size, plain_weave, two_tone(p))


def denim_product(rng):
    dark = colour(rng, *([(0.55, 0.68), (0.3, 0.8)] if rng.random() < 0.6 else [(0, 1), (0.1, 0.7)]), (0.25, 0.6))
    return dict(cloth_product(rng, dark, level=tone(rng, 0.4 * dark + 0.5), run=int(rng.integers(3, 5)),
                              lean=rng.choice([-1, 1])), arch=0.15)


def denim_render(p, rng, size):
    """Twill: dark threads over two or three light ones, a step further in every row, so that lines run aslant."""
    return cloth(p, rng, size, lambda i, j: (i + p["lean"] * j) % p["run"] >= 1, two_tone(p))


def herringbone_product(rng):
    base = colour(rng, saturation=(0.0, 0.5), value=(0.5, 0.95))
    return dict(cloth_product(rng, base, level=other(rng, base), width=int(rng.integers(4, 9))), arch=0.15)


def herringbone_render(p, rng, size):
    """Twill that turns back every few threads: zigzag stripes."""
    def over(i, j):
        back = np.abs(i % (2 * p["width"]) - p["width"])
        return (back + j) % 4 < 2
    return cloth(p, rng, size, over, two_tone(p))


def striped_product(rng):
    base = colour(rng, value=(0.55, 0.95))
    return cloth_product(rng, base, (0.025, 0.05), first=other(rng, base), second=other(rng, base),
                         repeat=rng.uniform(6, 14), widths=rng.uniform(0.12, 0.4, 2))


def striped_render(p, rng, size):
    """Canvas with stripes of two colours printed on it."""
    def dyed(x, y, upright):
        u = x % p["repeat"] / p["repeat"] - 0.5
        soft = 0.8 / p["repeat"]
        printed = mix(p["base"], p["first"], edge(np.abs(u) - p["widths"][0] / 2, soft))
        return mix(printed, p["second"], edge(0.5 - p["widths"][1] / 2 - np.abs(u), soft))
    return cloth(p, rng, size, plain_weave, dyed)


def checkered_product(rng):
    base = colour(rng, saturation=(0.0, 0.3), value=(0.75, 0.95))
    return cloth_product(rng, base, (0.022, 0.04), dye=other(rng, base, 0.3), check=int(rng.integers(3, 8)),
                         line=rng.choice([0.0, 1.0]))


def checkered_render(p, rng, size):
    """Gingham: groups of dyed threads both ways, full colour where two cross; some with a thin dark line between."""
    def dyed(x, y, upright):
        bands = [np.sin(np.pi * np.floor(t) / p["check"] + 0.01) > 0 for t in (x, y)]
        amount = 0.5 * bands[0] + 0.5 * bands[1]
        thin = [p["line"] * (np.floor(t) % (2 * p["check"]) == p["check"] // 2) for t in (x, y)]
        return mix(mix(p["base"], p["dye"], amount), 0.4 * p["dye"], 0.6 * np.maximum(*thin))
    return cloth(p, rng, size, plain_weave, dyed)


def polka_product(rng):
    base = colour(rng)
    return cloth_product(rng, base, (0.02, 0.035), dye=other(rng, base, 0.3), repeat=rng.uniform(4.5, 11),
                         radius=rng.uniform(0.18, 0.33), staggered=rng.random() < 0.6)


def polka_render(p, rng, size):
    """Round dots printed on cloth in a square or staggered order."""
    def dyed(x, y, upright):
        u, v, _, _ = lattice(x / p["repeat"], y / p["repeat"], p["staggered"])
        return mix(p["base"], p["dye"], edge(np.hypot(u, v) - p["radius"], 0.6 / p["repeat"]))
    return cloth(p, rng, size, plain_weave, dyed)


def knit_product(rng):
    base = colour(rng, value=(0.35, 0.95))
    return scene(rng, (0.07, 0.15), base, True, stripe=other(rng, base, 0.15), striped=rng.random() < 0.35,
                 rows=int(rng.integers(2, 5)), slant=rng.uniform(0.4, 0.8), rise=rng.uniform(1.1, 1.7),
                 depth=rng.uniform(0.08, 0.2))


def knit_render(p, rng, size):
    """Columns of V-shaped stitches, some products with striped rows."""
    x, y = lie(p, rng, size, bend=0.2)
    i = np.floor(x)
    side = np.abs(x - i - 0.5) * 2
    v = y * p["rise"] + p["slant"] * side
    height = np.sqrt(np.abs(np.sin(np.pi * v)) * np.sin(np.pi * np.clip(side, 0.02, 0.98)))
    row = np.floor(v)
    dye = mix(p["base"], p["stripe"], p["striped"] * (row // p["rows"] % 2))
    fuzz = 1 + 0.06 * noise(rng, size, 0.4)
    return shot(p, rng, shade(dye, lit(p, height, p["depth"]) * (0.5 + 0.6 * height) * fuzz
                              * varied(rng, i, row, 0.93, 1.0)))


def felt_product(rng):
    base = colour(rng)
    return scene(rng, (0.1, 0.1), base, fleck=tone(rng, base, 0.3), amount=rng.uniform(0.05, 0.16),
                 length=rng.uniform(2, 5), coarse=rng.uniform(0.4, 0.9))


def felt_render(p, rng, size):
    """Short fibres pressed together in all directions, some of another tone."""
    start = rng.uniform(0, np.pi)
    fibres = [noise(rng, size, p["coarse"], p["length"], start + angle) for angle in (0, 1, 2)]
    field = np.maximum(np.maximum(*fibres[:2]), fibres[2]) - 0.85
    wool = mix(p["base"], p["fleck"], np.clip(0.3 + 0.5 * fibres[0], 0, 1))
    return shot(p, rng, shade(wool, 1 + p["amount"] * field))


def carpet_product(rng):
    base = colour(rng, value=(0.25, 0.8))
    return scene(rng, (0.035, 0.075), base, True,
                 fleck=tone(rng, base, 0.6) if rng.random() < 0.6 else other(rng, base),
                 share=rng.uniform(0.0, 0.5), jitter=rng.uniform(0.3, 0.9), depth=rng.uniform(0.1, 0.3))


def carpet_render(p, rng, size):
    """Tufts side by side, dark between them, some of a second colour; the pile lies now this way, now that."""
    x, y = lie(p, rng, size, bend=0.3)
    near, _, number = cells(x, y, rng, p["jitter"])
    height = np.clip(1 - 1.1 * near ** 2, 0, 1)
    tuft = each(rng, number)
    pile = 1 + 0.05 * noise(rng, size, 1.5) + 0.09 * noise(rng, size, 0.2)
    return shot(p, rng, shade(mix(p["base"], p["fleck"], tuft < p["share"]),
                              lit(p, height, p["depth"]) * (0.45 + 0.65 * height) * pile * (0.9 + 0.2 * tuft)))


# Metal, rubber, plastic, glass

def brushed_product(rng):
    return scene(rng, (0.1, 0.1), square=rng.random() < 0.5, base=colour(rng, saturation=(0, 0.25), value=(0.45, 0.85)),
                 length=rng.uniform(6, 20), coarse=rng.uniform(0.2, 0.6), amount=rng.uniform(0.03, 0.1),
                 sheen=rng.uniform(0.05, 0.3), width=rng.uniform(0.2, 0.5), place=rng.uniform(-0.4, 0.4))


def brushed_render(p, rng, size):
    """Fine straight scratches of the brush, and a band of sheen across them."""
    turn = p["turn"] + rng.normal(0, 0.015)
    x, _ = grid(size, turn)
    band = np.exp(-((x - p["place"] + rng.normal(0, 0.03)) / p["width"]) ** 2)
    return shot(p, rng, shade(p["base"], 0.9 + p["amount"] * noise(rng, size, p["coarse"], p["length"], turn)
                              + p["sheen"] * band))


def cast_product(rng):
    return scene(rng, (0.1, 0.1), base=colour(rng, saturation=(0, 0.35), value=(0.25, 0.65)),
                 rough=rng.uniform(0.02, 0.05), width=rng.uniform(0.025, 0.06), depth=rng.uniform(0.05, 0.14),
                 shine=rng.uniform(0.0, 0.25), stain=rng.uniform(0.02, 0.08))


def cast_render(p, rng, size):
    """Metal as it came from the sand mould: grainy and dull."""
    height = 0.6 * bumps(rng, size, p["width"]) + 0.3 * bumps(rng, size, p["rough"])
    return shot(p, rng, shade(p["base"], lit(p, height, p["depth"], p["shine"]) + p["stain"] * noise(rng, size, 1.2)))


def painted_product(rng):
    return scene(rng, (0.1, 0.1), base=colour(rng, saturation=(0.0, 0.9), value=(0.15, 0.95)),
                 width=rng.uniform(0.04, 0.1), stretch=rng.uniform(1, 1.6), depth=rng.uniform(0.02, 0.08),
                 shine=rng.uniform(0.1, 0.3), flake=rng.choice([0.0, 0.05]), lamp=rng.uniform(-0.5, 0.5, 2))


def painted_render(p, rng, size):
    """Glossy paint with the soft dimples of orange peel, a lamp reflected in it; some paints with metal flakes."""
    x, y = grid(size, centre=0.5 + p["lamp"] + rng.normal(0, 0.02, 2))
    lamp = np.exp(-6 * (x * x + y * y))
    light = lit(p, bumps(rng, size, p["width"], p["stretch"]), p["depth"], p["shine"])
    flakes = p["flake"] * rng.standard_normal((size, size), dtype=np.float32)
    return shot(p, rng, mix(shade(p["base"], light + flakes), np.ones(3), 0.3 * lamp * light.clip(0, 1.4)))


def embossed_product(rng):
    return scene(rng, (0.05, 0.12), square=rng.random() < 0.6,
                 base=colour(rng, saturation=(0.0, 0.8), value=(0.25, 0.9)),
                 staggered=rng.random() < 0.5, radius=rng.uniform(0.28, 0.4), round=rng.choice([1.0, 2.0]),
                 depth=rng.uniform(0.15, 0.35) * rng.choice([-1, 1]), shine=rng.uniform(0.05, 0.5))


def embossed_render(p, rng, size):
    """Plastic pressed with rows of small knobs or dimples, round or diamond-shaped."""
    x, y = lie(p, rng, size)
    u, v, _, _ = lattice(x, y, p["staggered"])
    far = (np.abs(u) ** p["round"] + np.abs(v) ** p["round"]) ** (1 / p["round"])
    knob = np.sqrt(np.clip(1 - (far / p["radius"]) ** 2, 0, 1))
    return shot(p, rng, shade(p["base"], 0.85 * lit(p, knob, p["depth"], p["shine"]) + 0.02 * noise(rng, size, 0.4)))


def rubber_product(rng):
    return scene(rng, (0.06, 0.16), square=rng.random() < 0.5, base=colour(rng, saturation=(0, 0.5), value=(0.2, 0.6)),
                 rib=rng.uniform(0.35, 0.65), slope=rng.uniform(0.08, 0.3), depth=rng.uniform(0.12, 0.3),
                 shine=rng.uniform(0.0, 0.3), notch=rng.choice([0.0, rng.uniform(1.0, 3.0)]))


def rubber_render(p, rng, size):
    """Straight ribs with dark grooves between; in some products cross grooves cut them into blocks."""
    x, y = lie(p, rng, size)
    height = edge(np.abs(x % 1 - 0.5) - p["rib"] / 2, p["slope"])
    if p["notch"]:
        along = p["notch"] * np.abs(y / p["notch"] % 1 - 0.5)
        height = height * edge(along - (p["notch"] - 1 + p["rib"]) / 2, p["slope"])
    dull = 0.06 * noise(rng, size, 0.3)
    return shot(p, rng, shade(p["base"], lit(p, height, p["depth"], p["shine"]) * (0.6 + 0.5 * height) + dull))


def glass_product(rng):
    return scene(rng, (0.1, 0.1), base=colour(rng, saturation=(0.05, 0.4), value=(0.5, 0.9)),
                 width=rng.uniform(0.06, 0.16), stretch=rng.choice([1.0, rng.uniform(2, 4)]),
                 upright=rng.random() < 0.5, depth=rng.uniform(0.3, 0.7), shine=rng.uniform(0.15, 0.4))


def glass_render(p, rng, size):
    """Cast glass with ripples that bend the light coming through."""
    height = bumps(rng, size, p["width"], p["stretch"])
    height = height.T if p["upright"] else height
    return shot(p, rng, shade(p["base"], 0.85 * lit(p, 0.3 * height, p["depth"], p["shine"]) + 0.04 * height))


# Mesh: sheets and wires with holes

def perforated_product(rng):
    return scene(rng, (0.08, 0.17), square=True, base=colour(rng, saturation=(0, 0.5), value=(0.45, 0.9)),
                 staggered=rng.random() < 0.6, angular=rng.random() < 0.3, radius=rng.uniform(0.2, 0.36),
                 depth=rng.uniform(0.06, 0.15), brush=rng.uniform(0.0, 0.05))


def perforated_render(p, rng, size):
    """Sheet with rows of round or square holes."""
    x, y = lie(p, rng, size, bend=0.02)
    u, v, _, _ = lattice(x, y, p["staggered"])
    hole = box(u, v, 1.8 * p["radius"], 1.8 * p["radius"], 0.05) if p["angular"] else np.hypot(u, v) - p["radius"]
    light = lit(p, edge(-hole, 0.15), p["depth"]) + p["brush"] * noise(rng, size, 0.4, 8)
    return shot(p, rng, shade(p["base"], light), edge(-hole, pixel(p, size)))


def honeycomb_product(rng):
    return scene(rng, (0.09, 0.2), square=rng.random() < 0.5, base=colour(rng, value=(0.5, 0.95)),
                 wall=rng.uniform(0.06, 0.13), depth=rng.uniform(0.1, 0.25), shine=rng.uniform(0, 0.3))


def honeycomb_render(p, rng, size):
    """Thin walls round six-sided holes."""
    x, y = lie(p, rng, size)
    tall = np.float32(np.sqrt(3))
    candidates = [((x + k) % 1 - 0.5, (y + k * tall) % tall - tall / 2) for k in (0.0, 0.5)]
    nearer = np.hypot(*candidates[0]) < np.hypot(*candidates[1])
    u, v = (np.abs(np.where(nearer, a, b)) for a, b in zip(*candidates))
    wall = 0.5 - np.maximum(u, 0.5 * u + 0.866 * v) - p["wall"]
    light = lit(p, edge(wall, 2 * p["wall"]), p["depth"], p["shine"]) + 0.03 * noise(rng, size, 0.5)
    return shot(p, rng, shade(p["base"], light), edge(wall, pixel(p, size)))


def wire_product(rng):
    return scene(rng, (0.07, 0.16), square=rng.random() < 0.6,
                 base=colour(rng, saturation=(0, 0.5), value=(0.55, 0.95)),
                 radius=rng.uniform(0.1, 0.22), depth=rng.uniform(0.2, 0.4), shine=rng.uniform(0.1, 0.5))


def wire_render(p, rng, size):
    """Round wires woven over and under each other, open between."""
    x, y = lie(p, rng, size, bend=0.04)
    i, j = np.floor(x), np.floor(y)
    u, v, odd = x - i - 0.5, y - j - 0.5, (i + j) % 2 < 1
    over, under = np.where(odd, u, v), np.where(odd, v, u)
    upper, lower = (np.sqrt(np.clip(1 - (t / p["radius"]) ** 2, 0, 1)) for t in (over, under))
    height = np.where(upper > 0, 0.5 + 0.5 * upper, 0.55 * lower)
    light = lit(p, height * p["radius"] * 2, p["depth"], p["shine"]) * (0.45 + 0.55 * height)
    return shot(p, rng, shade(p["base"], light), edge(np.minimum(np.abs(u), np.abs(v)) - p["radius"], pixel(p, size)))


# Stone, walls, paper, foam

def brick_product(rng):
    base = colour(rng, *([(-0.02, 0.12), (0.15, 0.7), (0.35, 0.8)] if rng.random() < 0.7 else [(0, 1), (0, 0.4)]))
    return scene(rng, (0.11, 0.24), base, True, mortar=colour(rng, (0.05, 0.15), (0, 0.2), (0.3, 0.9)),
                 aspect=rng.uniform(1.8, 3), shift=rng.uniform(0.3, 0.5), gap=rng.uniform(0.08, 0.16),
                 spread=rng.uniform(0.05, 0.25), depth=rng.uniform(0.08, 0.2), rough=rng.uniform(0.03, 0.1))


def brick_render(p, rng, size):
    """Bricks in shifted courses with mortar between, each of a slightly different tone."""
    x, y = lie(p, rng, size, bend=0.02)
    u, v, i, j = bond(x, y, p["aspect"], p["shift"])
    rough = noise(rng, size, 0.6)
    brick = edge(box(u, v, p["aspect"] - p["gap"], 1 - p["gap"], 0.08) + 0.012 * rough, 0.07)
    stone = mix(p["mortar"], p["base"] * varied(rng, i, j, 1 - p["spread"], 1.05)[..., None], brick)
    return shot(p, rng, shade(stone, lit(p, brick, p["depth"]) + p["rough"] * rough))


def shingle_product(rng):
    return scene(rng, (0.12, 0.24), square=True, base=colour(rng, saturation=(0.02, 0.5), value=(0.25, 0.75)),
                 bow=rng.choice([0.0, rng.uniform(0.2, 0.45)]), tall=rng.uniform(0.6, 1.1),
                 spread=rng.uniform(0.05, 0.3), grit=rng.uniform(0.03, 0.1), shadow=rng.uniform(0.4, 0.75))


def shingle_render(p, rng, size):
    """Rows of roof shingles, straight or round below, each casting a shadow on the next row."""
    x, y = lie(p, rng, size, bend=0.03)
    y = y / p["tall"]
    j = np.floor(y)
    end = 1 - p["bow"] * (2 * ((x + 0.5 * (j % 2)) % 1 - 0.5)) ** 2
    under = y - j > end                   # seen between the round ends of row j: row j + 1, which lies below it
    drop = y - j - np.where(under, end, p["bow"] and -9)
    j = j + under
    x = x + 0.5 * (j % 2)
    seam = edge(0.475 - np.abs(x % 1 - 0.5), 0.04)
    light = (1 - p["shadow"] * np.exp(-drop / 0.08)) * (1 - 0.6 * seam)
    light = light * varied(rng, np.floor(x), j, 1 - p["spread"], 1.05) + p["grit"] * noise(rng, size, 0.3)
    return shot(p, rng, shade(p["base"], light))


def concrete_product(rng):
    return scene(rng, (0.05, 0.1), base=colour(rng, (0.05, 0.2), (0.0, 0.15), (0.4, 0.8)),
                 cloud=rng.uniform(0.03, 0.08), pits=rng.uniform(0.3, 0.7), size=rng.uniform(0.08, 0.2),
                 sand=rng.uniform(0.02, 0.05))


def concrete_render(p, rng, size):
    """Grey and cloudy, with sand in it and small air holes all over."""
    x, y = lie(p, rng, size)
    near, _, number = cells(x, y, rng)
    pit = edge(near - p["size"] * np.clip(1 - each(rng, number) / p["pits"], 0, 1) ** 0.5, 0.1)
    rough = p["cloud"] * noise(rng, size, 1.3) + p["sand"] * noise(rng, size, 0.2)
    return shot(p, rng, shade(p["base"], (1 + rough) * (1 - 0.45 * pit)))


def granite_product(rng):
    base = colour(rng, saturation=(0.0, 0.35), value=(0.35, 0.8))
    minerals = [base, tone(rng, base, 0.3), 0.25 * base, 0.4 * base + 0.55]
    return scene(rng, (0.025, 0.05), base, minerals=np.array(minerals, np.float32),
                 shares=rng.dirichlet([5, 4, 1.5, 2]), polish=rng.uniform(0.02, 0.06))


def granite_render(p, rng, size):
    """Grains of three or four minerals, dark, light and coloured, mixed at random."""
    x, y = lie(p, rng, size)
    _, _, number = cells(x + 0.15 * bumps(rng, size, 0.03), y, rng)
    mineral = np.searchsorted(np.cumsum(p["shares"])[:3], rng.random(TABLE * TABLE))[number]
    speck = 1 + p["polish"] * noise(rng, size, 0.1)
    return shot(p, rng, shade(p["minerals"][mineral], speck * each(rng, number, 0.9, 1.05)))


def marble_product(rng):
    base = colour(rng, (0, 1), *([(0, 0.25), (0.6, 0.95)] if rng.random() < 0.65 else [(0, 0.6), (0.12, 0.4)]))
    vein = tone(rng, 0.45 * base if base.max() > 0.5 else 0.3 * base + 0.6)
    return scene(rng, (0.1, 0.1), base, vein=vein, amount=rng.uniform(0.3, 0.75),
                 sharp=rng.uniform(4, 12), stretch=rng.uniform(1.2, 3), cloud=rng.uniform(0.1, 0.3))


def marble_render(p, rng, size):
    """Stone with branching veins running one way, and soft clouds between."""
    fields = [noise(rng, size, s, p["stretch"], p["turn"]) for s in (1.9, 1.7)]
    veins = np.exp(-p["sharp"] * np.abs(fields[0])) + 0.5 * np.exp(-1.5 * p["sharp"] * np.abs(fields[1] + 0.5))
    cloud = p["cloud"] * np.clip(fields[1], 0, 2) / 2
    return shot(p, rng, mix(p["base"], p["vein"], np.clip(p["amount"] * veins + cloud, 0, 0.9)))


def plaster_product(rng):
    return scene(rng, (0.1, 0.1), base=colour(rng, saturation=(0, 0.4), value=(0.45, 0.88)), soft=rng.uniform(1.2, 1.7),
                 stretch=rng.choice([1.0, rng.uniform(2, 4)]), depth=rng.uniform(0.1, 0.3))


def plaster_render(p, rng, size):
    """Rough plaster, in some products drawn out by the trowel."""
    height = noise(rng, size, p["soft"], p["stretch"], p["turn"])
    return shot(p, rng, shade(p["base"], lit(p, 0.3 * height, p["depth"]) + 0.02 * height))


def paper_product(rng):
    return scene(rng, (0.03, 0.07), square=True, base=colour(rng, saturation=(0, 0.2), value=(0.7, 0.97)),
                 fibre=rng.uniform(0.01, 0.04), laid=rng.choice([0.0, rng.uniform(0.02, 0.06)]),
                 fleck=rng.uniform(0, 0.3) * rng.choice([0, 1]), depth=rng.uniform(0.02, 0.1))


def paper_render(p, rng, size):
    """Plain paper: fine fibres, in some products the lines of the laid mould, or flecks of recycled stock."""
    x, _ = lie(p, rng, size)
    fibres = noise(rng, size, 0.5, 2, p["turn"])
    flecks = np.clip(noise(rng, size, 0.3) - 2, 0, 1)
    return shot(p, rng, shade(p["base"], lit(p, 0.3 * bumps(rng, size, 0.03), p["depth"]) + p["fibre"] * fibres
                              + p["laid"] * np.sin(TURN * x) - p["fleck"] * flecks))


def cardboard_product(rng):
    return scene(rng, (0.06, 0.16), square=True, base=colour(rng, (0.06, 0.12), (0.2, 0.55), (0.5, 0.85)),
                 depth=rng.uniform(0.04, 0.14), fibre=rng.uniform(0.02, 0.05), sharp=rng.uniform(0.5, 1.5))


def cardboard_render(p, rng, size):
    """Brown board whose flutes show as even waves."""
    x, _ = lie(p, rng, size, bend=0.05)
    flutes = (0.5 + 0.5 * np.cos(TURN * x)) ** p["sharp"]
    fibres = p["fibre"] * (noise(rng, size, 0.5, 3, p["turn"]) + 0.5 * noise(rng, size, 1.2))
    return shot(p, rng, shade(p["base"], lit(p, flutes, p["depth"]) * (0.88 + 0.12 * flutes) + fibres))


def cork_product(rng):
    base = colour(rng, (0.05, 0.11), (0.35, 0.65), (0.55, 0.85))
    return scene(rng, (0.04, 0.09), base, dark=0.45 * base, spread=rng.uniform(0.1, 0.3),
                 share=rng.uniform(0.04, 0.15), seam=rng.uniform(0.1, 0.4))


def cork_render(p, rng, size):
    """Pressed granules of many browns, some nearly black, with dark seams."""
    x, y = lie(p, rng, size)
    near, second, number = cells(x, y, rng)
    granule = each(rng, number)
    seam = p["seam"] * edge(second - near - 0.08, 0.12)
    rough = each(rng, number, 1 - p["spread"], 1.1) + 0.06 * noise(rng, size, 0.5)
    return shot(p, rng, shade(mix(p["base"], p["dark"], 0.8 * (granule < p["share"])), rough * (1 - seam)))


def sponge_product(rng):
    return scene(rng, (0.05, 0.11), base=colour(rng, saturation=(0.1, 0.8), value=(0.5, 0.95)),
                 pore=rng.uniform(0.3, 0.45), depth=rng.uniform(0.1, 0.25), dark=rng.uniform(0.35, 0.65))


def sponge_render(p, rng, size):
    """Foam: open pores of many sizes, dark inside."""
    x, y = lie(p, rng, size)
    near, _, number = cells(x + 0.1 * bumps(rng, size, 0.04), y, rng, 0.8)
    pore = edge(near - p["pore"] * each(rng, number, 0.4, 1.1), 0.25)
    rough = 0.06 * noise(rng, size, 0.3)
    return shot(p, rng, shade(p["base"], lit(p, 1 - pore, p["depth"]) * (1 - p["dark"] * pore) + rough))


# Held out

def leather_product(rng):
    base = colour(rng, (0.0, 0.1) if rng.random() < 0.6 else (0, 1), (0.2, 0.75), (0.3, 0.75))
    return scene(rng, (0.03, 0.07), base, jitter=rng.uniform(0.7, 1), stretch=rng.uniform(1, 1.5),
                 groove=rng.uniform(0.25, 0.5), depth=rng.uniform(0.08, 0.22), shine=rng.uniform(0.02, 0.2))


def leather_render(p, rng, size):
    """Grained leather: pebbles of uneven shape parted by fine grooves, softly shining."""
    x, y = lie(p, rng, size, bend=0.4)
    near, second, number = cells(x / p["stretch"], y, rng, p["jitter"])
    pebble = 1 - edge(second - near - p["groove"] / 2, p["groove"])
    light = lit(p, pebble + 0.15 * each(rng, number), p["depth"], p["shine"]) * (0.7 + 0.3 * pebble)
    return shot(p, rng, shade(p["base"], light + 0.04 * noise(rng, size, 0.8)))


def wood_product(rng):
    base = colour(rng, (0.03, 0.11), (0.25, 0.65), (0.45, 0.9))
    return scene(rng, (0.25, 0.6), base, True,
                 late=base * rng.uniform(0.5, 0.75) ** np.array([0.8, 1, 1.2], np.float32), rings=rng.uniform(4, 10),
                 wave=rng.uniform(0.05, 0.2), spread=rng.uniform(0.03, 0.15),
                 pores=rng.uniform(0.02, 0.05), upright=rng.random() < 0.5, gap=rng.uniform(0.4, 0.8))


def wood_render(p, rng, size):
    """Boards side by side, each with its own growth rings drawn out along it, and fine pores."""
    p = dict(p, turn=p["turn"] + p["upright"] * np.pi / 2)
    x, y = lie(p, rng, size, bend=0.0)
    board = np.floor(y)
    wave = p["wave"] * noise(rng, size, 1.8, 3, p["turn"])
    ring = (y + wave + varied(rng, board, high=9)) * p["rings"] % 1
    late = ring ** 2 * (1 - edge(0.94 - ring, 0.12))
    seam = p["gap"] * edge(0.492 - np.abs(y - board - 0.5), 0.025)
    pores = p["pores"] * noise(rng, size, 0.3, 8, p["turn"])
    light = varied(rng, board, 2, 1 - p["spread"], 1.0) * (1 - seam) + pores
    return shot(p, rng, shade(mix(p["base"], p["late"], 0.8 * late), light))


def tile_product(rng):
    base = colour(rng, saturation=(0, 0.6), value=(0.4, 0.95))
    return scene(rng, (0.16, 0.34), base, True, grout=colour(rng, (0.05, 0.15), (0, 0.15), (0.2, 0.9)),
                 aspect=rng.choice([1.0, 1.0, 2.0]), shift=rng.choice([0.0, 0.0, 0.5]), gap=rng.uniform(0.04, 0.08),
                 spread=rng.uniform(0.0, 0.08), depth=rng.uniform(0.04, 0.1), shine=rng.uniform(0.05, 0.25),
                 mottle=rng.uniform(0.02, 0.07), speck=rng.uniform(0.0, 0.12))


def tile_render(p, rng, size):
    """Glazed tiles with grout between; the glaze is mottled and speckled, its rounded rim shines."""
    x, y = lie(p, rng, size, bend=0.0)
    u, v, i, j = bond(x, y, p["aspect"], p["shift"])
    outside = box(u, v, p["aspect"] - p["gap"], 1 - p["gap"], 0.05)
    glaze = varied(rng, i, j, 1 - p["spread"], 1.0) + p["mottle"] * noise(rng, size, 0.9)
    glaze = glaze * lit(p, edge(outside + 0.04, 0.1), p["depth"], p["shine"])
    glaze = glaze - p["speck"] * np.clip(bumps(rng, size, 0.025) - 1.2, 0, 1)
    grout = 1 + 0.08 * noise(rng, size, 0.3)
    return shot(p, rng, mix(shade(p["grout"], grout), shade(p["base"], glaze), edge(outside, 2 * pixel(p, size))))


def terrazzo_product(rng):
    base = colour(rng, saturation=(0, 0.3), value=(0.35, 0.95))
    return scene(rng, (0.06, 0.13), base, chips=np.array([other(rng, base, 0.15) for _ in range(3)]),
                 share=rng.uniform(0.5, 0.9), gap=rng.uniform(0.1, 0.25), polish=rng.uniform(0.02, 0.05))


def terrazzo_render(p, rng, size):
    """Chips of three kinds of stone, many-cornered and of many sizes, ground flat in a matrix of another colour."""
    x, y = lie(p, rng, size)
    near, second, number = cells(x, y, rng)
    chosen = each(rng, number) < p["share"]
    inside = edge(p["gap"] * each(rng, number, 0.5, 2.5) - (second - near), 2 * pixel(p, size)) * chosen
    chip = p["chips"][rng.integers(0, 3, TABLE * TABLE)[number]]
    return shot(p, rng, shade(mix(p["base"], chip, inside), each(rng, number, 0.88, 1.0) * inside + (1 - inside)
                              + p["polish"] * noise(rng, size, 0.4)))


def family(name, names, product, render):
    return Family(name, names, "surface", product, render)


FAMILIES = [
    family("woven_fabric", ("woven fabric", "cloth", "textile"), woven_product, woven_render),
    family("denim", ("denim", "twill", "jeans fabric"), denim_product, denim_render),
    family("herringbone", ("herringbone fabric", "herringbone weave", "tweed"),
           herringbone_product, herringbone_render),
    family("striped_canvas", ("striped canvas", "striped fabric", "canvas"), striped_product, striped_render),
    family("checkered_fabric", ("checkered fabric", "gingham", "plaid cloth"), checkered_product, checkered_render),
    family("polka_dots", ("polka dot fabric", "dotted cloth", "dotted print"), polka_product, polka_render),
    family("knit", ("knit fabric", "knitwear", "wool knit"), knit_product, knit_render),
    family("felt", ("felt", "felt fabric", "fleece"), felt_product, felt_render),
    family("carpet", ("carpet", "rug", "carpet pile"), carpet_product, carpet_render),
    family("brushed_metal", ("brushed metal", "brushed steel", "metal sheet"), brushed_product, brushed_render),
    family("cast_metal", ("cast metal", "cast iron", "rough metal"), cast_product, cast_render),
    family("painted_metal", ("painted metal", "paint", "lacquered sheet"), painted_product, painted_render),
    family("embossed_plastic", ("embossed plastic", "textured plastic", "plastic sheet"),
           embossed_product, embossed_render),
    family("ribbed_rubber", ("ribbed rubber", "rubber mat", "rubber"), rubber_product, rubber_render),
    family("rippled_glass", ("rippled glass", "patterned glass", "glass pane"), glass_product, glass_render),
    family("perforated_sheet", ("perforated sheet", "perforated plate", "punched metal"), perforated_product,
           perforated_render),
    family("honeycomb", ("honeycomb", "hexagonal mesh", "honeycomb panel"), honeycomb_product, honeycomb_render),
    family("wire_grid", ("wire grid", "wire mesh", "wire cloth"), wire_product, wire_render),
    family("brick_wall", ("brick wall", "brickwork", "bricks"), brick_product, brick_render),
    family("shingles", ("roof shingles", "shingle roof", "roofing"), shingle_product, shingle_render),
    family("concrete", ("concrete", "cement", "concrete slab"), concrete_product, concrete_render),
    family("granite", ("granite", "granite slab", "speckled stone"), granite_product, granite_render),
    family("marble", ("marble", "marble slab", "veined stone"), marble_product, marble_render),
    family("plaster", ("plaster", "stucco", "plaster wall"), plaster_product, plaster_render),
    family("paper", ("paper", "sheet of paper"), paper_product, paper_render),
    family("cardboard", ("corrugated cardboard", "cardboard", "corrugated board"), cardboard_product, cardboard_render),
    family("cork", ("cork", "cork board", "pressed cork"), cork_product, cork_render),
    family("sponge", ("sponge", "foam", "foam rubber"), sponge_product, sponge_render),
    family("leather", ("leather", "grained leather", "hide"), leather_product, leather_render),
    family("wood", ("wood", "wooden boards", "timber"), wood_product, wood_render),
    family("tile", ("tile", "tiles", "ceramic tile"), tile_product, tile_render),
    family("terrazzo", ("terrazzo", "terrazzo floor", "stone chip floor"), terrazzo_product, terrazzo_render),
]
