"""The objects of the demo: single things on a table, belt, cloth or paper, as a camera above a line sees them.

A family is a pair of functions. look(rng) draws what all pictures of one product share: colours, proportions, marks.
draw(look, view, rng) paints one picture of it: it returns the thing's colours [size, size, 3] (everywhere, also outside
the thing) and its signed distance (negative inside). What all families share is in product() and render(): ground,
placement, light, shadow and grain.

The thing's own coordinates view.x, view.y have their origin in its middle, and it reaches from about -1 to 1.
"""
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from picture import Family, Picture, edge, grid, hsv, mix, noise, shade

HELD_OUT = ("gear", "capsule", "screw", "connector")  # never trained on: the demo's categories


# ---- The stage: ground, placement, light, shadow -------------------------------------------------------------------

@dataclass
class View:
    """Where and how one picture sees the thing."""
    x: np.ndarray      # the thing's own coordinates of every pixel
    y: np.ndarray
    pixel: float       # a pixel's width in these coordinates
    angle: float       # the thing's turn in the picture
    light: np.ndarray  # where the light is, a unit vector: right, down, towards the camera

    @property
    def size(self):
        return len(self.x)

    @property
    def r(self):
        return np.hypot(self.x, self.y)

    @property
    def theta(self):
        return np.arctan2(self.y, self.x)

    def cover(self, distance, soft=0.0):
        """Coverage of a shape, smooth over `soft` but at least over what pixels need."""
        return edge(distance, max(soft, 1.5 * self.pixel))

    def bevel(self, distance, width):
        """The height of a plate with a rounded edge: 0 outside, `width` from `width` inside on."""
        return width * self.cover(distance + width / 2, width)

    def lit(self, colour, height, gloss=0.3, shine=20, ambient=0.4):
        """A colour (or picture) on a relief under the light: matt shading, and highlights of strength `gloss`."""
        slope_y, slope_x = np.gradient(height / self.pixel)
        facing = 1 / np.sqrt(1 + slope_x ** 2 + slope_y ** 2)
        half = self.light + (0, 0, 1)
        half = half / np.linalg.norm(half)
        matt, mirror = (np.clip(facing * (v[2] - slope_x * v[0] - slope_y * v[1]), 0, None) for v in (self.light, half))
        brightness = ambient + (1 - ambient) * matt / self.light[2]
        return np.clip(colour * brightness[..., None] + gloss * (mirror ** shine)[..., None], 0, 1).astype(np.float32)


def product(look, rng, any_turn=False):
    """What all pictures of one product share: its look, and the factory's camera, ground and light."""
    thing = look(rng)
    tone = thing.get("tone", np.mean(thing["colour"]))
    colour = np.full(3, tone)
    while abs(colour.mean() - tone) < 0.22:  # the thing stands out from the ground
        colour = hsv(rng.random(), rng.choice([0.05, 0.15, 0.5]) * rng.random(), rng.uniform(0.08, 0.95))
    turn = rng.choice([0, 0, 0.5, 1, 1.5]) * np.pi + rng.normal(0, 0.15)
    return dict(thing=thing, ground=str(rng.choice(["table", "belt", "cloth", "paper", "wood"])), colour=colour,
                fine=rng.uniform(30, 60), rough=rng.uniform(0.3, 1.0), grain=rng.uniform(0.005, 0.02), turn=turn,
                any_turn=any_turn, extent=rng.uniform(0.62, 0.85), centre=rng.uniform(0.48, 0.52, 2),
                light=rng.uniform(-np.pi, np.pi), elevation=rng.uniform(0.6, 1.1), gradient=rng.uniform(0.05, 0.3),
                shadow=rng.uniform(0.2, 0.6), shadow_soft=rng.uniform(0.01, 0.035), exposure=rng.uniform(0.9, 1.05))


def ground(p, rng, size):
    """What the thing lies on."""
    x, y = grid(size, angle=p["turn"])
    x, y = x + rng.random(), y + rng.random()
    wave = 2 * np.pi * p["fine"]
    if p["ground"] == "table":
        texture = 0.04 * noise(rng, size, 1.4)
    elif p["ground"] == "belt":
        texture = 0.06 * np.sin(wave * x / 3) + 0.04 * noise(rng, size, 0.5)
    elif p["ground"] == "cloth":
        texture = 0.09 * np.sin(wave * x / 1.5) * np.sin(wave * y / 1.5) + 0.04 * noise(rng, size, 1.2)
    elif p["ground"] == "paper":
        texture = 0.03 * noise(rng, size, 0.5)
    else:
        texture = 0.07 * noise(rng, size, 1.0, stretch=5, angle=p["turn"])
    return shade(p["colour"], 1 + p["rough"] * texture)


def render(draw, p, rng, size):
    """One picture: the thing shifted and turned a little on its ground, under a light that varies a little."""
    turn = rng.uniform(-np.pi, np.pi) if p["any_turn"] else p["turn"] + np.radians(rng.uniform(-5, 5))
    scale = p["extent"] / 2 * rng.uniform(0.985, 1.015)
    x, y = grid(size, turn, p["centre"] + rng.uniform(-0.02, 0.02, 2), scale)
    azimuth = p["light"] + rng.normal(0, 0.05)
    flat = np.array([np.cos(azimuth), np.sin(azimuth)])
    light = np.append(flat * np.cos(p["elevation"]), np.sin(p["elevation"]))
    view = View(x, y, 1 / (size * scale), turn, light)
    colours, distance = draw(p["thing"], view, rng)
    cover = view.cover(distance)
    shadow = ndimage.gaussian_filter(cover, p["shadow_soft"] * size, truncate=2.5)
    shadow = ndimage.shift(shadow, -0.9 * p["shadow_soft"] * size * flat[::-1], order=1, mode="nearest")
    px, py = grid(size)
    lamp = p["exposure"] * rng.uniform(0.96, 1.04) * (1 + p["gradient"] * (px * flat[0] + py * flat[1]))
    grain = p["grain"] * rng.standard_normal((size, size, 1), dtype=np.float32)
    behind = ground(p, rng, size)
    rgb = mix(behind * (1 - p["shadow"] * shadow)[..., None], colours, cover)
    rgb, behind = (np.clip(a * lamp[..., None] + grain, 0, 1).astype(np.float32) for a in (rgb, behind))
    return Picture(rgb, cover > 0.5, behind)


# ---- Shapes, marks and materials -----------------------------------------------------------------------------------

def box(x, y, a, b, corner=0.0):
    """Signed distance of a box with half sides a and b and rounded corners."""
    dx, dy = abs(x) - a + corner, abs(y) - b + corner
    return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - corner


def polygon(theta, r, sides, inner):
    """Signed distance (nearly) of a regular polygon with inner radius `inner`."""
    return r * np.cos(repeat(theta, 2 * np.pi / sides)) - inner


def repeat(a, period):
    """A coordinate that starts anew every `period`, 0 in the middle of each."""
    return (a + period / 2) % period - period / 2


def nearest(a, count, step):
    """A coordinate as seen from the nearest of `count` places `step` apart, with 0 in the middle of them all."""
    middle = (count - 1) / 2
    return a - (np.clip(np.round(a / step + middle), 0, count - 1) - middle) * step


def sector(view, count):
    """The angle in each of `count` equal sectors: 0 in its middle, 1 at its sides."""
    return abs(repeat(view.theta, 2 * np.pi / count)) * count / np.pi


def around(view, count, radius, phase=0.0):
    """Distance to the nearest of `count` points on a circle."""
    a = repeat(view.theta - phase, 2 * np.pi / count)
    return np.hypot(view.r * np.cos(a) - radius, view.r * np.sin(a))


def cylinder(y, radius):
    """The height of a rod along x."""
    return np.sqrt(np.clip(radius ** 2 - y ** 2, 0, None))


def text(rng, letters, lines=1):
    """A bitmap of text-like marks: letters like those of a seven-segment display."""
    segments = np.array([["###", "...", "...", "...", "..."], ["...", "...", "###", "...", "..."],
                         ["...", "...", "...", "...", "###"], ["#..", "#..", "#..", "...", "..."],
                         ["...", "...", "#..", "#..", "#.."], ["..#", "..#", "..#", "...", "..."],
                         ["...", "...", "..#", "..#", "..#"]])
    segments = np.array([[list(row) for row in segment] for segment in segments]) == "#"
    page = np.zeros((lines * 7 + 1, letters * 4 + 1), np.float32)
    for line in range(lines):
        for letter in range(letters if line == 0 else rng.integers(letters // 2, letters + 1)):
            chosen = rng.permutation(7)[:rng.integers(4, 7)]
            page[line * 7 + 1:line * 7 + 6, letter * 4 + 1:letter * 4 + 4] = segments[chosen].any(axis=0)
    return page


def stamp(bitmap, x, y, a, b):
    """A bitmap spread over the box with half sides a and b: coverage [size, size], 0 outside."""
    fine = bitmap.repeat(3, 0).repeat(3, 1)
    where = [(y / b + 1) / 2 * fine.shape[0] - 0.5, (x / a + 1) / 2 * fine.shape[1] - 0.5]
    return np.clip(ndimage.map_coordinates(fine, where, order=1), 0, 1).astype(np.float32)


def metal(rng):
    """Steel, dark steel, brass or copper."""
    hue, saturation, value = [(0.6, 0.06, 0.7), (0.6, 0.08, 0.42), (0.13, 0.45, 0.75), (0.06, 0.5, 0.72)][
        rng.choice(4, p=[0.45, 0.2, 0.2, 0.15])]
    return hsv(hue + rng.normal(0, 0.015), saturation * rng.uniform(0.6, 1.3), value * rng.uniform(0.85, 1.15))


def bright(rng):
    """A colour as of plastic or print."""
    return hsv(rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.4, 0.95))


def pale(rng):
    """White, cream or a pastel colour."""
    return hsv(rng.random(), rng.uniform(0.0, 0.3), rng.uniform(0.8, 0.97))


def ink(rng, colour):
    """A colour for marks that shows on `colour`."""
    return hsv(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.05, 0.3)) if np.mean(colour) > 0.5 else pale(rng)


def ink_on(colour):
    """Black or white, whichever shows on the colour."""
    return (0.08, 0.08, 0.08) if np.mean(colour) > 0.45 else (0.9, 0.9, 0.9)


def bright_set(rng, count):
    """Colours that differ: hues round the circle in a random order."""
    hues = (rng.permutation(count) + rng.uniform(-0.2, 0.2, count)) / count + rng.random()
    return np.array([hsv(h, rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.9)) for h in hues], np.float32)


def brushed(colour, view, rng, amount=0.04):
    """Metal drawn along the thing's x: fine lines and soft clouds."""
    return shade(colour, 1 + amount * noise(rng, view.size, 0.7, 6, view.angle))


def turned(colour, view, rng, rings, amount=0.06):
    """Metal from a lathe: rings (the product's own), and a fan of light that stays with the lamp."""
    fan = np.cos(2 * (view.theta + view.angle - np.arctan2(view.light[1], view.light[0])))
    groove = np.interp(view.r, np.linspace(0, 1.2, len(rings)), rings)
    return shade(colour, 1 + amount * (groove + 1.5 * fan + 0.4 * noise(rng, view.size, 0.8)))


def mottled(colour, view, rng, amount=0.03, smoothness=0.8):
    """A plain material with its small clouds."""
    return shade(colour, 1 + amount * noise(rng, view.size, smoothness))


# ---- Round things --------------------------------------------------------------------------------------------------

def washer_look(rng):
    return dict(colour=metal(rng), hole=rng.uniform(0.3, 0.62), bevel=rng.uniform(0.04, 0.12),
                gloss=rng.uniform(0.1, 0.5), rings=rng.standard_normal(60), split=rng.random() < 0.2)


def washer(look, view, rng):
    """A flat metal ring, some of them split as a spring washer is."""
    d = np.maximum(view.r - 1, look["hole"] - view.r)
    if look["split"]:
        d = np.maximum(d, np.where(view.x > 0, 0.05 - abs(view.y + 0.2 * (view.x - 0.7)), -1))
    colour = turned(look["colour"], view, rng, look["rings"])
    return view.lit(colour, view.bevel(d, look["bevel"]), look["gloss"]), d


def button_look(rng):
    colour = bright(rng) if rng.random() < 0.7 else pale(rng)
    return dict(colour=colour, holes=int(rng.choice([2, 4])), ring=rng.uniform(0.22, 0.32),
                hole=rng.uniform(0.08, 0.12), rim=rng.uniform(0.6, 0.78), gloss=rng.uniform(0.1, 0.6),
                marble=rng.choice([0.02, 0.12]))


def button(look, view, rng):
    """A button with a raised rim and two or four holes."""
    holes = look["hole"] - around(view, look["holes"], look["ring"])
    d = np.maximum(view.r - 1, holes)
    height = view.bevel(d, 0.1) - 0.1 * view.cover(view.r - look["rim"], 0.15)
    return view.lit(mottled(look["colour"], view, rng, look["marble"], 1.3), height, look["gloss"]), d


def bolt_look(rng):
    return dict(colour=metal(rng), flange=rng.random() < 0.5, chamfer=rng.uniform(0.9, 1.02),
                gloss=rng.uniform(0.1, 0.5), mark=text(rng, int(rng.integers(2, 4)), 2),
                lines=int(rng.choice([0, 3, 6])), rings=rng.standard_normal(40))


def bolt(look, view, rng):
    """A hexagonal bolt head from above, with raised marks, on a flange or not."""
    across = 0.66 if look["flange"] else 0.86
    head = polygon(view.theta, view.r, 6, across)
    height = 0.3 * view.cover(head, 0.1) + view.bevel(view.r - across * look["chamfer"], 0.1)
    d = head
    if look["flange"]:
        d = view.r - 1
        height = height + view.bevel(d, 0.2)
    height = height + 0.03 * stamp(look["mark"], view.x, view.y, 0.34 * across, 0.36 * across)
    if look["lines"]:
        strokes = abs(repeat(view.theta, 2 * np.pi / look["lines"])) * view.r - 0.03
        height = height + 0.03 * view.cover(np.maximum(strokes, abs(view.r - 0.68 * across) - 0.14 * across))
    return view.lit(turned(look["colour"], view, rng, look["rings"], 0.04), height, look["gloss"]), d


def coin_look(rng):
    return dict(colour=metal(rng), core=metal(rng) if rng.random() < 0.3 else None, rim=rng.uniform(0.05, 0.1),
                figure=str(rng.choice(["number", "star", "flower"])), points=int(rng.integers(5, 9)),
                gloss=rng.uniform(0.15, 0.5), number=text(rng, int(rng.integers(1, 4))),
                around=text(rng, int(rng.integers(14, 26))), dots=int(rng.integers(36, 64)))


def coin(look, view, rng):
    """A coin: rim, beads, letters round the edge and a figure in the middle."""
    d = view.r - 1
    colour = look["colour"]
    if look["core"] is not None:
        colour = mix(colour, look["core"], view.cover(view.r - 0.62))
    height = view.bevel(d, look["rim"]) - 0.05 * view.cover(view.r - 1 + look["rim"], 0.06)
    height = height + 0.03 * view.cover(around(view, look["dots"], 0.87) - 0.018)
    height = height + 0.035 * stamp(look["around"], view.theta, 0.73 - view.r, 2.9, 0.1)
    if look["figure"] == "number":
        figure = stamp(look["number"], view.x, view.y, 0.42, 0.36)
    else:
        a = sector(view, look["points"])
        reach = 0.5 - 0.3 * a if look["figure"] == "star" else 0.3 + 0.2 * np.cos(np.pi * a)
        figure = view.cover(view.r - reach, 0.06)
    height = height + 0.06 * figure
    return view.lit(mottled(colour, view, rng), height, look["gloss"], 12), d


def pill_look(rng):
    oval = rng.random() < 0.4
    return dict(colour=pale(rng) if rng.random() < 0.6 else bright(rng), ratio=rng.uniform(0.55, 0.75) if oval else 1.0,
                dome=rng.uniform(0.1, 0.35), cross=rng.random() < 0.25, mark=text(rng, int(rng.integers(1, 3))),
                marked=rng.random() < 0.6, speck=rng.choice([0.01, 0.05]), gloss=rng.uniform(0.0, 0.25))


def pill(look, view, rng):
    """A pressed tablet, round or oval, with a score line and sometimes an imprint."""
    stretched = np.hypot(view.x, view.y / look["ratio"])
    d = (stretched - 1) * look["ratio"]
    height = look["dome"] * np.sqrt(np.clip(1 - 0.95 * stretched ** 2, 0, None)) + view.bevel(d, 0.1)
    score = abs(view.x) - 0.02
    if look["cross"]:
        score = np.minimum(score, abs(view.y) - 0.02)
    height = height - 0.08 * view.cover(score, 0.09)
    if look["marked"]:
        height = height - 0.03 * stamp(look["mark"], abs(view.x) - 0.42, view.y, 0.2, 0.22)
    return view.lit(mottled(look["colour"], view, rng, look["speck"], 0.3), height, look["gloss"]), d


def cap_look(rng):
    colour = bright(rng) if rng.random() < 0.7 else metal(rng)
    return dict(colour=colour, ink=ink(rng, colour), second=bright(rng), crimps=int(rng.integers(17, 25)),
                ring=rng.uniform(0.5, 0.68), mark=text(rng, int(rng.integers(2, 5)), int(rng.integers(1, 3))),
                star=rng.random() < 0.4, points=int(rng.integers(5, 9)), gloss=rng.uniform(0.2, 0.6))


def cap(look, view, rng):
    """A crimped bottle cap with a printed top."""
    wave = np.cos(look["crimps"] * view.theta)
    d = view.r - 0.96 - 0.035 * wave
    skirt = np.clip((view.r - 0.72) / 0.25, 0, 1)
    height = 0.3 * (1 - skirt ** 2) + 0.06 * skirt * wave
    colour = mix(look["colour"], look["second"], view.cover(view.r - look["ring"]))
    colour = mix(colour, look["ink"], view.cover(abs(view.r - look["ring"]) - 0.025))
    if look["star"]:
        mark = view.cover((view.r - 0.42 + 0.24 * sector(view, look["points"])) * 0.6)
    else:
        mark = stamp(look["mark"], view.x, view.y, 0.4, 0.26)
    colour = mix(colour, look["ink"], mark)
    return view.lit(shade(colour, 1 + 0.02 * noise(rng, view.size, 1)), height, look["gloss"]), d


def gasket_look(rng):
    colour = [hsv(0, 0, rng.uniform(0.07, 0.2)), bright(rng), hsv(0.08, 0.4, rng.uniform(0.5, 0.7))][rng.choice(3)]
    return dict(colour=colour, ears=int(rng.choice([0, 2, 3, 4, 6])), inner=rng.uniform(0.42, 0.55),
                outer=rng.uniform(0.7, 0.76), hole=rng.uniform(0.07, 0.11), rough=rng.uniform(0.02, 0.07),
                gloss=rng.uniform(0.0, 0.3))


def gasket(look, view, rng):
    """A rubber or cork ring: an O-ring, or flat with ears for bolts."""
    if not look["ears"]:
        d = abs(view.r - 0.85) - 0.15
        return view.lit(mottled(look["colour"], view, rng, look["rough"]), cylinder(d + 0.15, 0.15), look["gloss"]), d
    ear = around(view, look["ears"], 0.76)
    blend = np.clip(0.5 + (ear - 0.22 - view.r + look["outer"]) / 0.4, 0, 1)
    outline = ear - 0.22 + (view.r - look["outer"] - ear + 0.22) * blend - 0.2 * blend * (1 - blend)
    d = np.maximum(np.maximum(outline, look["inner"] - view.r), look["hole"] - ear)
    height = view.bevel(d, 0.05) + 0.02 * view.cover(abs(view.r - look["inner"] - 0.12) - 0.02, 0.05)
    return view.lit(mottled(look["colour"], view, rng, look["rough"]), height, look["gloss"]), d


def plate_look(rng):
    colour = pale(rng) if rng.random() < 0.65 else bright(rng)
    return dict(colour=colour, ink=bright(rng), well=rng.uniform(0.55, 0.72), deep=rng.uniform(0.08, 0.2),
                bands=rng.uniform(0.82, 0.95), thick=rng.uniform(0.01, 0.05), motif=int(rng.choice([0, 8, 12, 20])),
                gloss=rng.uniform(0.15, 0.5))


def plate(look, view, rng):
    """A glazed plate: rim, well, painted bands and dots."""
    d = view.r - 1
    height = 0.1 * view.cover(d + 0.03, 0.06) - look["deep"] * view.cover(view.r - look["well"], 0.16)
    height = height + 0.08 * view.r ** 2
    colour = mix(look["colour"], look["ink"], view.cover(abs(view.r - look["bands"]) - look["thick"]))
    if look["motif"]:
        middle = (look["well"] + look["bands"]) / 2 + 0.02
        colour = mix(colour, look["ink"], view.cover(around(view, look["motif"], middle) - 0.035))
    return view.lit(mottled(colour, view, rng, 0.015, 1.2), height, look["gloss"], 30), d


def bearing_look(rng):
    return dict(colour=hsv(0.6, rng.uniform(0, 0.08), rng.uniform(0.55, 0.8)), bore=rng.uniform(0.3, 0.42),
                inner=rng.uniform(0.5, 0.56), outer=rng.uniform(0.78, 0.84), balls=int(rng.integers(7, 13)),
                rings=rng.standard_normal(60),
                race=hsv(*([(0.6, 0.1, 0.12), (0.12, 0.5, 0.45), (0.33, 0.4, 0.3)][rng.choice(3)])),
                gloss=rng.uniform(0.3, 0.7))


def bearing(look, view, rng):
    """A ball bearing from above: two rings, the race and its balls."""
    d = np.maximum(view.r - 1, look["bore"] - view.r)
    middle, half = (look["inner"] + look["outer"]) / 2, (look["outer"] - look["inner"]) / 2
    race = abs(view.r - middle) - half
    radius = min(half * 1.02, 0.9 * middle * np.pi / look["balls"])
    ball = around(view, look["balls"], middle, rng.uniform(0, 2 * np.pi))
    colour = mix(turned(look["colour"], view, rng, look["rings"]), look["race"], view.cover(race))
    colour = mix(colour, look["colour"] * 1.1, view.cover(ball - radius))
    height = view.bevel(np.maximum(d, -race), 0.05) + 0.9 * np.sqrt(np.clip(radius ** 2 - ball ** 2, 0, None))
    return view.lit(colour, height, look["gloss"]), d


def cookie_look(rng):
    return dict(colour=hsv(rng.uniform(0.06, 0.11), rng.uniform(0.4, 0.65), rng.uniform(0.5, 0.82)),
                bumps=rng.uniform(0.015, 0.035),
                chip=hsv(rng.choice([0.05, 0.05, 0.0, 0.3]), rng.uniform(0.4, 0.7), rng.uniform(0.15, 0.35)),
                chips=int(rng.integers(7, 20)), size=rng.uniform(0.07, 0.13), wobble=rng.uniform(0.005, 0.02))


def cookie(look, view, rng):
    """A baked cookie: cracked surface, browned edge, chips that lie anew in every one."""
    outline = sum(look["wobble"] * np.cos(k * view.theta + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5, 8))
    d = view.r - 0.94 - outline
    number = np.arange(look["chips"])
    radius = 0.8 * np.sqrt((number + 0.5) / look["chips"]) + rng.normal(0, 0.02, look["chips"])
    angle = 2.39996 * number + rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.08, look["chips"])
    sizes = look["size"] * rng.uniform(0.75, 1.2, look["chips"])
    chips = np.full_like(view.x, 9.0)
    for cx, cy, s in zip(radius * np.cos(angle), radius * np.sin(angle), sizes):
        chips = np.minimum(chips, np.hypot(view.x - cx, view.y - cy) - s)
    colour = shade(look["colour"], 1.05 - 0.3 * np.clip(view.r, 0, 1) ** 6 + 0.04 * noise(rng, view.size, 0.8))
    colour = mix(colour, look["chip"], view.cover(chips + 0.01 * noise(rng, view.size, 1)))
    height = 0.15 * np.sqrt(np.clip(1 - (d + 1) ** 2, 0, None)) + look["bumps"] * noise(rng, view.size, 1.6)
    return view.lit(colour, height + view.bevel(chips, 0.05), 0.05), d


def cable_look(rng):
    wires = int(rng.integers(3, 7))
    return dict(colour=hsv(rng.random(), rng.choice([0.05, 0.6]), rng.uniform(0.1, 0.85)), wires=wires,
                sheath=rng.uniform(0.1, 0.17), insulation=bright_set(rng, wires), core=rng.uniform(0.5, 0.68),
                copper=metal(rng), phase=rng.uniform(0, 6.28), filler=hsv(rng.random(), 0.1, rng.choice([0.15, 0.85])),
                strands=rng.uniform(20, 34))


def cable(look, view, rng):
    """A cable cut across: a sheath, and in it coloured wires with strands of metal."""
    d = view.r - 1
    room = 0.97 - look["sheath"]
    s = np.sin(np.pi / look["wires"])
    radius = room * s / (1 + s)
    step = 2 * np.pi / look["wires"]
    which = np.round((view.theta - look["phase"]) / step).astype(int) % look["wires"]
    wire = around(view, look["wires"], room - radius, look["phase"])
    colour = mix(mottled(look["colour"], view, rng), look["filler"], view.cover(view.r - room))
    colour = mix(colour, look["insulation"][which], view.cover(wire - 0.97 * radius))
    k = look["strands"]
    strands = np.cos(k * view.x) + np.cos(k * (view.x / 2 + 0.866 * view.y)) + np.cos(k * (view.x / 2 - 0.866 * view.y))
    core = wire - look["core"] * radius
    colour = mix(colour, shade(look["copper"], 0.8 + 0.15 * strands), view.cover(core))
    height = view.bevel(d, 0.06) + view.bevel(wire - 0.97 * radius, 0.05) + 0.01 * strands * view.cover(core)
    return view.lit(colour, height, 0.15), d


def gear_look(rng):
    return dict(colour=metal(rng) if rng.random() < 0.75 else bright(rng), teeth=int(rng.integers(12, 31)),
                hole=rng.uniform(0.14, 0.26), steep=rng.uniform(0.9, 1.6), spokes=int(rng.choice([0, 0, 3, 4, 5, 6])),
                key=rng.random() < 0.5, gloss=rng.uniform(0.1, 0.5), rings=rng.standard_normal(50),
                web=rng.uniform(0.0, 0.1))


def gear(look, view, rng):
    """A toothed wheel: teeth, hub, shaft hole with or without a keyway, spokes or a plain web."""
    depth = 3.4 / look["teeth"]
    root = 1 - depth
    tooth = np.clip(0.5 + look["steep"] * np.cos(look["teeth"] * view.theta) * 0.7, 0, 1)
    outline = (view.r - root - depth * tooth) * 0.7
    bore = look["hole"] - view.r
    if look["key"]:
        bore = np.maximum(bore, -box(view.x - look["hole"], view.y, 0.1, 0.06))
    d = np.maximum(outline, bore)
    hub, rim = look["hole"] + 0.16, root - 0.12
    web = np.maximum(hub - view.r, view.r - rim)
    height = view.bevel(d, 0.05) - look["web"] * view.cover(web, 0.06)
    if look["spokes"]:
        spoke = 0.09 - abs(np.sin(repeat(view.theta, 2 * np.pi / look["spokes"]))) * view.r
        opening = np.maximum(web, spoke)
        d = np.maximum(d, -opening)
        height = np.minimum(height, view.bevel(d, 0.05))
    return view.lit(turned(look["colour"], view, rng, look["rings"]), height, look["gloss"]), d


# ---- Long and rectangular things -----------------------------------------------------------------------------------

def battery_look(rng):
    return dict(colour=bright(rng) if rng.random() < 0.6 else hsv(0, 0, rng.uniform(0.05, 0.3)), second=metal(rng),
                ink=pale(rng), radius=rng.uniform(0.27, 0.45), split=rng.uniform(-0.1, 0.6),
                mark=text(rng, int(rng.integers(3, 7)), 2), stripes=int(rng.integers(1, 4)),
                gloss=rng.uniform(0.2, 0.6), nub=rng.uniform(0.3, 0.45))


def battery(look, view, rng):
    """A round cell from the side: printed sleeve, cap with its nub."""
    x, y, radius = view.x, view.y, look["radius"]
    sleeve = box(x + 0.05, y, 0.93, radius, 0.03)
    nub = box(x - 0.9, y, 0.1, radius * look["nub"], 0.02)
    d = np.minimum(sleeve, nub)
    colour = mix(mottled(look["colour"], view, rng, 0.015), look["second"], view.cover(look["split"] - x))
    stripe = abs(nearest(x - look["split"], look["stripes"], 0.12)) - 0.02
    colour = mix(colour, look["ink"], view.cover(stripe))
    colour = mix(colour, look["ink"], stamp(look["mark"], x + 0.5, y, 0.36, radius * 0.5))
    plus = np.minimum(box(x - 0.74, y, 0.08, 0.02), box(x - 0.74, y, 0.02, 0.08))
    colour = mix(colour, ink_on(look["second"]), view.cover(plus))
    colour = mix(colour, (0.75, 0.75, 0.77), view.cover(np.maximum(nub, 0.86 - x)))
    height = np.where(sleeve < 0, cylinder(y, radius * 1.02), cylinder(y, radius * look["nub"] * 1.02))
    return view.lit(colour, height, look["gloss"]), d


def resistor_look(rng):
    bands = int(rng.integers(4, 6))
    return dict(colour=hsv(*([(0.1, 0.35, 0.8), (0.55, 0.4, 0.7), (0.0, 0.3, 0.75), (0.3, 0.2, 0.6)][rng.choice(4)])),
                bands=bright_set(rng, bands) * rng.choice([0.15, 0.8, 1.0], bands)[:, None],
                length=rng.uniform(0.5, 0.62), radius=rng.uniform(0.19, 0.27), bulge=rng.uniform(1.05, 1.3),
                wire=rng.uniform(0.03, 0.05), lead=metal(rng), width=rng.uniform(0.025, 0.04),
                gloss=rng.uniform(0.2, 0.6))


def resistor(look, view, rng):
    """A resistor with its leads: a bulged body and coloured bands."""
    x, y, length = view.x, view.y, look["length"]
    profile = look["radius"] * (1 + (look["bulge"] - 1) * edge(0.68 * length - abs(x), 0.2 * length))
    body = box(x, y * look["radius"] / profile, length, look["radius"], 0.14)
    d = np.minimum(body, box(x, y, 1.0, look["wire"]))
    colour = mix(look["lead"], mottled(look["colour"], view, rng), view.cover(body))
    places = np.append(np.linspace(-0.8, 0.3, len(look["bands"]) - 1), 0.78) * length
    for place, band in zip(places, look["bands"]):
        colour = mix(colour, band, view.cover(np.maximum(abs(x - place) - look["width"], body)))
    barrel = cylinder(y, profile * 1.02) * np.sqrt(np.clip(-body / 0.1, 0, 1))
    height = np.where(body < 0, barrel, cylinder(y, look["wire"]))
    return view.lit(colour, height, look["gloss"]), d


def chip_look(rng):
    four = rng.random() < 0.45
    return dict(colour=hsv(rng.random(), rng.uniform(0, 0.15), rng.uniform(0.08, 0.24)), pin=metal(rng), four=four,
                pins=int(rng.integers(5, 12)) if four else int(rng.integers(4, 11)),
                b=0.74 if four else rng.uniform(0.36, 0.55),
                mark=text(rng, int(rng.integers(5, 9)), int(rng.integers(2, 4))), ink=rng.uniform(0.5, 0.9),
                notch=rng.random() < 0.5, gloss=rng.uniform(0.05, 0.4), wide=rng.uniform(0.22, 0.34))


def chip(look, view, rng):
    """An integrated circuit from above: black housing, marking, pins on two or four sides."""
    x, y, b = view.x, view.y, look["b"]
    a = 0.74 if look["four"] else 0.96
    body = box(x, y, a, b, 0.03)
    pitch = 1.86 * a / look["pins"]
    half = look["wide"] * pitch

    def row(along, across, edge_at):
        return box(nearest(along, look["pins"], pitch), abs(across) - edge_at - 0.08, half, 0.12)

    pins = row(x, y, b)
    if look["four"]:
        pins = np.minimum(pins, row(y, x, a))
    d = np.minimum(body, pins)
    colour = mix(look["pin"], mottled(look["colour"], view, rng, 0.06, 0.3), view.cover(body))
    colour = mix(colour, (look["ink"],) * 3, stamp(look["mark"], x - 0.05, y, 0.6 * a, 0.4 * b))
    dot = np.hypot(x + a, y) - 0.12 if look["notch"] else np.hypot(x + a - 0.16, y - b + 0.16) - 0.06
    height = view.bevel(body, 0.06) + 0.06 * view.cover(body) + view.bevel(pins, half)
    height = height - 0.04 * view.cover(dot) - 0.08 * view.cover(body + 0.12, 0.12)
    return view.lit(colour, height, look["gloss"]), d


def label_look(rng):
    paper = pale(rng) if rng.random() < 0.75 else bright(rng)
    return dict(colour=paper, ink=ink(rng, paper), band=bright(rng), b=rng.uniform(0.5, 0.85),
                corner=rng.uniform(0.01, 0.15), title=text(rng, int(rng.integers(3, 7))),
                lines=text(rng, int(rng.integers(6, 10)), int(rng.integers(2, 4))),
                bars=(rng.random((1, int(rng.integers(14, 22)))) < 0.5).astype(np.float32), head=rng.uniform(0.2, 0.36),
                frame=rng.random() < 0.4, right=rng.random() < 0.5)


def label(look, view, rng):
    """A printed label: a title on a coloured band, lines of text, a bar code."""
    x, y, b = view.x, view.y, look["b"]
    d = box(x, y, 0.98, b, look["corner"])
    colour = mix(mottled(look["colour"], view, rng, 0.02, 0.4), look["band"], view.cover(y + b - 2 * b * look["head"]))
    low, half = b * look["head"], b * (1 - look["head"])  # below the band: its middle and its half height
    colour = mix(colour, ink_on(look["band"]), stamp(look["title"], x + 0.2, y + b - low, 0.6, 0.6 * low))
    side = 1 if look["right"] else -1
    colour = mix(colour, look["ink"], stamp(look["lines"], x + side * 0.42, y - low, 0.45, 0.7 * half))
    colour = mix(colour, look["ink"], stamp(look["bars"], x - side * 0.52, y - low, 0.34, 0.7 * half))
    if look["frame"]:
        colour = mix(colour, look["ink"], view.cover(abs(d + 0.06) - 0.015))
    return view.lit(colour, view.bevel(d, 0.02) + 0.01 * noise(rng, view.size, 2.2), 0.05), d


def key_look(rng):
    return dict(colour=metal(rng), head=rng.uniform(0.34, 0.46), sides=int(rng.choice([0, 0, 6, 8])),
                hole=rng.uniform(0.09, 0.16), shaft=rng.uniform(0.13, 0.19),
                cuts=rng.uniform(0.0, 0.2, int(rng.integers(5, 9))), gloss=rng.uniform(0.1, 0.5), mark=text(rng, 3),
                cover=bright(rng) if rng.random() < 0.3 else None)


def key(look, view, rng):
    """A flat key: head with a hole, grooved shaft, cut teeth."""
    x, y, head = view.x, view.y, look["head"]
    hx = x + 1 - head
    r, theta = np.hypot(hx, y), np.arctan2(y, hx)
    bow = polygon(theta, r, look["sides"], head * 0.96) if look["sides"] else r - head
    places = np.linspace(-0.1, 0.86, 2 * len(look["cuts"]))
    depth = np.interp(x, places, np.repeat(look["cuts"], 2) * np.tile([1, 0.4], len(look["cuts"])))
    blade = np.maximum(box(x - 0.2, y, 0.78, look["shaft"], 0.08), (y - look["shaft"] + depth) * 0.8)
    d = np.maximum(np.minimum(bow, blade), look["hole"] - np.hypot(hx + 0.4 * head, y))
    groove = np.maximum(abs(y + 0.35 * look["shaft"]) - 0.025, 0.1 - head + abs(x - 0.25) - 0.5)
    height = view.bevel(d, 0.05) - 0.04 * view.cover(groove, 0.04)
    height = height - 0.02 * stamp(look["mark"], hx - 0.35 * head, y, 0.4 * head, 0.3 * head)
    colour = brushed(look["colour"], view, rng)
    if look["cover"] is not None:
        colour = mix(colour, look["cover"], view.cover(bow))
    return view.lit(colour, height, look["gloss"]), d


def pencil_look(rng):
    return dict(colour=bright(rng), lead=bright(rng) if rng.random() < 0.4 else hsv(0, 0, 0.15),
                radius=rng.uniform(0.1, 0.17), tip=rng.uniform(0.28, 0.42),
                wood=hsv(0.09, rng.uniform(0.3, 0.5), rng.uniform(0.7, 0.88)), eraser=rng.random() < 0.6,
                rubber=hsv(rng.choice([0.98, 0.6]), 0.45, 0.85), mark=text(rng, int(rng.integers(4, 9))),
                gloss=rng.uniform(0.1, 0.5))


def pencil(look, view, rng):
    """A sharpened pencil: six-sided shaft, wood cone, lead, and often a ferrule with an eraser."""
    x, y, radius = view.x, view.y, look["radius"]
    foot = 1 - look["tip"]
    cone = (abs(y) - radius * (1 - x) / look["tip"]) * 0.9
    d = np.maximum(box(x, y, 1.0, radius, 0.02), cone)
    scallop = foot + 0.04 * np.cos(2 * np.pi * y / radius * 0.75)
    wood = brushed(look["wood"], view, rng, 0.06)
    colour = mix(mottled(look["colour"], view, rng, 0.02), wood, view.cover(scallop - x))
    colour = mix(colour, look["lead"], view.cover(1 - 0.3 * look["tip"] - x))
    colour = mix(colour, ink_on(look["colour"]), stamp(look["mark"], x + 0.1, y, 0.3, radius * 0.3))
    facets = 0.9 * np.maximum(0, abs(y) - radius / 2)
    height = np.where(x < scallop, -facets, cylinder(y, radius * np.clip((1 - x) / look["tip"], 0.02, 1)))
    if look["eraser"]:
        colour = mix(colour, (0.72, 0.72, 0.68), view.cover(x + 0.68))
        colour = mix(colour, look["rubber"], view.cover(x + 0.84))
        height = np.where(x < -0.68, cylinder(y, radius * 1.05) + 0.012 * np.cos(100 * x) * (x > -0.84), height)
    return view.lit(colour, height, look["gloss"]), d


def plug_look(rng):
    colour = hsv(rng.random(), rng.uniform(0, 0.25), rng.choice([rng.uniform(0.07, 0.25), rng.uniform(0.6, 0.92)]))
    return dict(colour=colour, pins=int(rng.choice([2, 2, 3])), spread=rng.uniform(0.22, 0.34),
                radius=rng.uniform(0.05, 0.08), pin=metal(rng), b=rng.uniform(0.48, 0.62), taper=rng.uniform(0.1, 0.35),
                ribs=int(rng.choice([0, 3, 5])), cord=rng.uniform(0.12, 0.18), gloss=rng.uniform(0.1, 0.4),
                sleeve=rng.random() < 0.5)


def plug(look, view, rng):
    """A mains plug from the side: pins, housing with grips, the cord."""
    x, y = view.x, view.y
    width = look["b"] - look["taper"] * np.clip(0.25 - x, 0, 1)
    body = box(x + 0.05, y * look["b"] / width, 0.5, look["b"], 0.14)
    lane = nearest(y, look["pins"], 2 * look["spread"] / (look["pins"] - 1))
    pins = box(x - 0.6, lane, 0.38, look["radius"], look["radius"])
    cord = box(x + 0.75, y, 0.25, look["cord"] * np.where(x > -0.75, 1.25, 1.0))
    d = np.minimum(np.minimum(body, pins), cord)
    colour = mix(mottled(look["colour"], view, rng, 0.03, 0.4), look["pin"], view.cover(0.45 - x))
    if look["sleeve"]:
        colour = mix(colour, look["colour"], view.cover(np.maximum(pins, x - 0.68)))
    height = np.where(x > 0.45, cylinder(lane, look["radius"]), cylinder(y, look["cord"] * 1.3) + 0.02 * np.cos(70 * x))
    height = height + (0.2 + view.bevel(body, 0.2) - height) * view.cover(body)
    if look["ribs"]:
        rib = box(nearest(x + 0.1, look["ribs"], 0.12), y, 0.025, 0.55 * width)
        height = height - 0.05 * view.cover(rib, 0.05)
    return view.lit(colour, height, look["gloss"]), d


def nail_look(rng):
    return dict(colour=metal(rng), radius=rng.uniform(0.07, 0.12), head=rng.uniform(0.2, 0.32),
                thick=rng.uniform(0.03, 0.06), tip=rng.uniform(0.16, 0.3), grip=int(rng.integers(1, 5)),
                ringed=rng.random() < 0.25, gloss=rng.uniform(0.15, 0.6))


def nail(look, view, rng):
    """A nail from the side: flat head, grip marks, point."""
    x, y, radius = view.x, view.y, look["radius"]
    head = box(x + 0.96, y, look["thick"], look["head"], 0.02)
    width = radius * np.clip((1 - x) / look["tip"], 0.02, 1)
    d = np.minimum(head, np.maximum((abs(y) - width) * 0.9, abs(x) - 1))
    grip = abs(nearest(x + 0.7, look["grip"], 0.07)) - 0.01
    height = np.where(head < 0, cylinder(y, look["head"]), cylinder(y, width)) - 0.02 * view.cover(grip, 0.03)
    if look["ringed"]:
        height = height + 0.015 * np.cos(90 * x) * (abs(x - 0.1) < 0.5)
    return view.lit(brushed(look["colour"], view, rng), height, look["gloss"]), d


def candy_look(rng):
    return dict(colour=bright(rng), second=pale(rng) if rng.random() < 0.6 else bright(rng),
                ratio=rng.uniform(0.65, 1.0), middle=rng.uniform(0.4, 0.5), stripes=int(rng.integers(4, 9)),
                twist=rng.uniform(2, 8), folds=rng.uniform(14, 24),
                pattern=str(rng.choice(["swirl", "stripe", "dots"])), gloss=rng.uniform(0.3, 0.8),
                fan=rng.uniform(0.32, 0.5))


def candy(look, view, rng):
    """A wrapped sweet: a patterned middle and two twisted ends."""
    x, y, m = view.x, view.y, look["middle"]
    stretched = np.hypot(x / m, y / (m * look["ratio"]))
    body = (stretched - 1) * m * look["ratio"]
    out = np.clip((abs(x) - m) / (1 - m), 0, 1)
    fold = np.cos(look["folds"] * y / (0.25 + out) + np.sign(x))
    fan = np.maximum(abs(y) - 0.08 - look["fan"] * out, np.maximum(abs(x) - 0.96 - 0.03 * fold, 0.8 * m - abs(x))) * 0.8
    d = np.minimum(body, fan)
    if look["pattern"] == "swirl":
        pattern = np.cos(look["stripes"] * np.arctan2(y, x) + look["twist"] * view.r)
    elif look["pattern"] == "stripe":
        pattern = np.cos(2 * look["stripes"] * (x + 0.4 * y))
    else:
        pattern = np.cos(2.2 * look["stripes"] * x) * np.cos(2.2 * look["stripes"] * y) - 0.3
    inside = view.cover(body)
    colour = mix(mottled(look["colour"], view, rng), look["second"], edge(-pattern, 0.5) * (0.25 + 0.75 * inside))
    height = np.where(body < 0, 0.8 * m * np.sqrt(np.clip(1 - stretched ** 2, 0, None)), 0.03 * fold)
    height = height + 0.008 * noise(rng, view.size, 1.6)
    return view.lit(colour, height, look["gloss"], 30), d


def leaf_look(rng):
    hue = rng.choice([rng.uniform(0.2, 0.38), rng.uniform(0.02, 0.14)])
    return dict(colour=hsv(hue, rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.75)),
                width=rng.uniform(0.3, 0.6), peak=rng.uniform(0.6, 1.3), veins=rng.uniform(14, 26),
                slant=rng.uniform(0.5, 1.2), teeth=rng.choice([0.0, 0.02, 0.035]), count=rng.uniform(50, 80),
                pale=rng.uniform(0.3, 0.7))


def leaf(look, view, rng):
    """A leaf: pointed outline, smooth or toothed edge, midrib and side veins."""
    x = view.x
    y = view.y + rng.normal(0, 0.02) * (x ** 2 - 0.5)
    t = np.clip((x + 0.75) / 1.75, 0, 1)
    outline = look["width"] * np.clip(np.sin(np.pi * t ** look["peak"]), 0, 1) ** 0.8
    outline = outline + look["teeth"] * repeat(look["count"] * x, 6.28) / 3.14
    blade = np.maximum((abs(y) - outline) * 0.8, abs(x - 0.125) - 0.875)
    stalk = box(x + 0.6, y, 0.4, 0.03, 0.02)
    d = np.minimum(blade, stalk)
    side = np.cos(look["veins"] * (x - look["slant"] * abs(y)))
    vein = np.maximum(edge(0.97 - side, 0.1), view.cover(abs(y) - 0.025 * (1.1 - t)))
    colour = shade(look["colour"], 1 + 0.06 * noise(rng, view.size, 1.2))
    colour = mix(colour, look["colour"] * 0.6 + 0.35, look["pale"] * vein)
    height = 0.1 * abs(y) + 0.012 * side - 0.02 * vein + 0.006 * noise(rng, view.size, 1.5)
    return view.lit(colour, height, 0.15), d


def lamp_look(rng):
    return dict(colour=bright(rng) if rng.random() < 0.75 else pale(rng), radius=rng.uniform(0.3, 0.42),
                length=rng.uniform(0.1, 0.3), gap=rng.uniform(0.12, 0.2), short=rng.uniform(0.1, 0.35),
                wire=rng.uniform(0.03, 0.045), lead=metal(rng), glow=rng.uniform(0.1, 0.6), gloss=rng.uniform(0.4, 0.8),
                lip=rng.uniform(0.03, 0.08))


def lamp(look, view, rng):
    """A light-emitting diode from the side: clear dome on a flange, two leads, one of them shorter."""
    x, y, radius = view.x, view.y, look["radius"]
    tip = 1 - radius
    foot = tip - look["length"] - radius
    dome = np.where(x > tip, np.hypot(x - tip, y) - radius, np.maximum(abs(y) - radius, foot - x))
    flange = box(x - foot, y, 0.06, radius + look["lip"], 0.02)
    reach = np.where(y > 0, 1.0, 1.0 - look["short"])
    leads = np.maximum(abs(abs(y) - look["gap"]) - look["wire"], np.maximum(-x - reach, x - foot))
    body = np.minimum(dome, flange)
    d = np.minimum(body, leads)
    colour = mix(look["lead"], look["colour"], view.cover(body))
    core = np.minimum(box(x - foot - 0.22, y - 0.1, 0.2, 0.08), box(x - foot - 0.17, y + 0.12, 0.15, 0.05))
    colour = mix(colour, look["colour"] * 0.5, 0.7 * view.cover(core, 0.08))
    light = look["glow"] * np.exp(-((x - foot - 0.4) ** 2 + y ** 2) / 0.06)
    colour = mix(colour, (1, 1, 0.95), (light * view.cover(body)).astype(np.float32))
    height = np.where(dome < 0, np.sqrt(np.clip(radius ** 2 - y ** 2 - np.maximum(x - tip, 0) ** 2, 0, None)), 0.05)
    height = np.where(body < 0, height, cylinder(abs(y) - look["gap"], look["wire"]))
    return view.lit(mottled(colour, view, rng, 0.015), 0.6 * height, look["gloss"], 40), d


def capsule_look(rng):
    first = bright(rng)
    return dict(colour=first, second=pale(rng) if rng.random() < 0.6 else bright(rng), radius=rng.uniform(0.32, 0.42),
                seam=rng.uniform(-0.15, 0.15), mark=text(rng, int(rng.integers(2, 5))), right=rng.random() < 0.5,
                gloss=rng.uniform(0.4, 0.9), step=rng.uniform(0.015, 0.03))


def capsule(look, view, rng):
    """A two-coloured gelatine capsule, glossy, with a printed mark."""
    x, y = view.x, view.y
    radius = look["radius"] - look["step"] * view.cover(x - look["seam"])
    axis = np.maximum(abs(x) - 0.98 + radius, 0)
    off = np.hypot(axis, y)
    d = off - radius
    cap_colour, body_colour = look["colour"], look["second"]
    colour = mix(cap_colour, body_colour, view.cover(x - look["seam"]))
    colour = mix(colour, colour * 0.75, view.cover(abs(x - look["seam"]) - 0.01))
    side = 0.42 if look["right"] else -0.42
    mark = stamp(look["mark"], x - side, y, 0.26, 0.12)
    colour = mix(colour, ink_on(cap_colour if look["right"] else body_colour), 0.85 * mark)
    height = np.sqrt(np.clip(radius ** 2 - off ** 2, 0, None))
    return view.lit(mottled(colour, view, rng, 0.015), height, look["gloss"], 40), d


def screw_look(rng):
    return dict(colour=metal(rng), head=str(rng.choice(["pan", "countersunk", "hexagon"])),
                broad=rng.uniform(0.3, 0.42), high=rng.uniform(0.2, 0.32), radius=rng.uniform(0.14, 0.21),
                pitch=rng.uniform(0.075, 0.13), bare=rng.uniform(0.0, 0.45), tip=rng.choice([0.06, 0.3]),
                deep=rng.uniform(0.15, 0.28), gloss=rng.uniform(0.2, 0.6))


def screw(look, view, rng):
    """A screw from the side: head, bare shank, slanted thread, blunt or pointed end."""
    x, y, broad = view.x, view.y, look["broad"]
    into = (x + 1) / look["high"]
    if look["head"] == "countersunk":
        outline = broad + (look["radius"] - broad) * np.clip(into - 0.1, 0, 1)
    elif look["head"] == "pan":
        outline = broad * np.sqrt(np.clip(1 - (1 - np.clip(into, 0, 1)) ** 2, 0.05, 1))
    else:
        outline = broad
    head = np.maximum(abs(y) - outline, abs(into - 0.5) * look["high"] - 0.5 * look["high"]) * 0.9
    start = look["high"] - 1 + look["bare"]
    threaded = edge(start - x, 0.1)
    taper = np.clip((1 - x) / look["tip"], 0.03, 1)
    depth = look["deep"] * look["radius"]
    thread = depth * threaded * np.cos(2 * np.pi / look["pitch"] * x + np.pi / 2 * y / look["radius"])
    width = (look["radius"] + thread - depth * (1 - threaded)) * taper
    shaft = np.maximum((abs(y) - width) * 0.7, abs(x) - 1)
    d = np.minimum(head, shaft)
    hexagon = np.maximum(0.1, broad * 0.8 - 0.9 * np.maximum(0, abs(y) - broad / 2))
    top = hexagon if look["head"] == "hexagon" else cylinder(y, outline)
    height = np.where(head < 0, top + view.bevel(head, 0.04), cylinder(y, look["radius"] * taper) + thread * taper)
    return view.lit(brushed(look["colour"], view, rng), height, look["gloss"]), d


def connector_look(rng):
    colour = pale(rng) if rng.random() < 0.35 else hsv(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.1, 0.7))
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(4, 10))
    return dict(colour=colour, rows=rows, columns=columns, square=rng.random() < 0.6, hole=rng.uniform(0.28, 0.38),
                pin=metal(rng), pins=rng.random() < 0.6, latch=rng.uniform(0.2, 0.5), ears=rng.random() < 0.4,
                wall=rng.uniform(0.06, 0.12), gloss=rng.uniform(0.1, 0.4))


def connector(look, view, rng):
    """A plug-in connector from the front: housing, latch, and a regular array of holes for pins."""
    x, y = view.x, view.y
    a = 0.78 if look["ears"] else 0.96
    pitch = 2 * (a - look["wall"]) / look["columns"]
    down = min(pitch * 1.15, 1.2 / look["rows"])
    b = look["rows"] * down / 2 + look["wall"]
    body = box(x, y, a, b, 0.05)
    d = np.minimum(body, box(x, y + b + 0.03, look["latch"], 0.08, 0.02))
    if look["ears"]:
        d = np.minimum(d, np.maximum(box(x, y, 0.99, 0.8 * b, 0.08), 0.065 - np.hypot(abs(x) - 0.88, y)))
    gx, gy = nearest(x, look["columns"], pitch), nearest(y, look["rows"], down)
    half = look["hole"] * pitch
    hole = box(gx, gy, half, half, 0.02) if look["square"] else np.hypot(gx, gy) - half
    inside = view.cover(hole)
    colour = mix(mottled(look["colour"], view, rng, 0.04, 0.4), look["colour"] * 0.25, inside)
    if look["pins"]:
        colour = mix(colour, look["pin"], inside * view.cover(box(gx, gy, 0.4 * half, 0.4 * half)))
    height = view.bevel(body, 0.05) + view.bevel(d, 0.04) - 0.08 * inside
    return view.lit(colour, height, look["gloss"]), d


# ---- The list ------------------------------------------------------------------------------------------------------

def family(name, names, look, draw, any_turn=False):
    return Family(name, names, "object", partial(product, look, any_turn=any_turn), partial(render, draw))


FAMILIES = [
    family("washer", ("washer", "flat washer", "metal washer"), washer_look, washer, any_turn=True),
    family("button", ("button", "shirt button", "plastic button"), button_look, button),
    family("bolt_head", ("bolt head", "hex bolt", "hexagonal bolt"), bolt_look, bolt),
    family("coin", ("coin", "metal coin", "token"), coin_look, coin),
    family("pill", ("pill", "tablet", "medical tablet"), pill_look, pill),
    family("bottle_cap", ("bottle cap", "crown cap", "bottle top"), cap_look, cap, any_turn=True),
    family("gasket", ("gasket", "rubber ring", "seal"), gasket_look, gasket),
    family("plate", ("plate", "dish", "ceramic plate"), plate_look, plate, any_turn=True),
    family("ball_bearing", ("ball bearing", "bearing", "roller bearing"), bearing_look, bearing, any_turn=True),
    family("cookie", ("cookie", "biscuit", "chocolate chip cookie"), cookie_look, cookie, any_turn=True),
    family("cable", ("cable", "cable cross-section", "cut cable"), cable_look, cable),
    family("battery", ("battery", "battery cell", "round cell"), battery_look, battery),
    family("resistor", ("resistor", "electrical resistor", "electronic part"), resistor_look, resistor),
    family("integrated_circuit", ("chip", "integrated circuit", "microchip"), chip_look, chip),
    family("label", ("label", "printed label", "sticker"), label_look, label),
    family("key", ("key", "door key", "metal key"), key_look, key),
    family("pencil", ("pencil", "wooden pencil", "coloured pencil"), pencil_look, pencil),
    family("plug", ("plug", "power plug", "mains plug"), plug_look, plug),
    family("nail", ("nail", "steel nail", "metal nail"), nail_look, nail),
    family("candy", ("candy", "sweet", "wrapped candy"), candy_look, candy),
    family("leaf", ("leaf", "plant leaf", "tree leaf"), leaf_look, leaf),
    family("lamp", ("lamp", "light-emitting diode", "indicator light"), lamp_look, lamp),
    family("gear", ("gear", "cog", "toothed wheel"), gear_look, gear, any_turn=True),
    family("capsule", ("capsule", "medicine capsule", "gelatine capsule"), capsule_look, capsule),
    family("screw", ("screw", "metal screw", "threaded screw"), screw_look, screw),
    family("connector", ("connector", "electrical connector", "pin socket"), connector_look, connector),
]
