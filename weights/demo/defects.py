"""Defects drawn onto pictures of good products, each with the phrases that tell it and the mask of where it is.

A kind of defect is drawn by a function draw(picture, rng, strength, spot) -> (painted, coverage): how the picture looks
where the defect is, and how much of that is seen at every pixel. What all kinds share (finding a place, keeping to the
thing, laying the defect over the picture, the mask, trying again when nothing is to be seen) is in `applied`.
"""
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from picture import edge, grid, hsv, mix, noise, warp

TRIES = 16
SMALLEST, LARGEST = 0.003, 0.2    # shares of the picture that the mask of a defect may have
DARK, LIGHT = np.full(3, 0.04, np.float32), np.full(3, 0.95, np.float32)


@dataclass
class Kind:
    """A kind of defect."""
    name: str
    phrases: tuple   # states of a thing with this defect; {} stands for the thing's name
    apply: object    # apply(picture, rng, strength) -> (rgb float32 [size, size, 3], mask bool [size, size])
    suits: str       # "surface", "object" or "both"


@dataclass
class Spot:
    """Where a defect goes and how large it is, in shares of the picture's side."""
    centre: tuple
    radius: float    # of a disc with the defect's area
    light: float     # direction the light comes from, in radians


# --- What all kinds share ---

def applied(picture, rng, strength, draw, at_edge=False, reach=0.0):
    """Draws a defect of the given strength (1: plain to see, 0.3: subtle) onto the picture -> (rgb, mask).

    at_edge: its middle lies on the edge of the thing; reach: how far it may stick out of the thing."""
    near = within(picture.region, reach)
    best = None
    for attempt in range(TRIES):
        stronger = strength * 1.15 ** max(0, attempt - 3)
        spot = find_spot(picture.region, rng, stronger, at_edge)
        painted, coverage = draw(picture, rng, stronger, spot)
        coverage = np.clip(coverage, 0, 1) * near
        rgb = np.clip(mix(picture.rgb, painted, coverage), 0, 1)
        mask = visible(picture.rgb, rgb) & (coverage > 0.25)
        if SMALLEST <= mask.mean() <= LARGEST:
            return rgb, mask
        if best is None or mask.sum() > best[1].sum():
            best = rgb, mask
    return best


def within(region, reach):
    """1 in the region and up to `reach` (at least one pixel) around it, 0 elsewhere."""
    if region.all():
        return np.ones(region.shape, np.float32)
    return ndimage.binary_dilation(region, iterations=1 + int(reach * len(region))).astype(np.float32)


def find_spot(region, rng, strength, at_edge):
    """A random place in the region, or on its edge if it has one, with a random size: many small, few large."""
    size = len(region)
    if at_edge and not region.all():
        places = region & ~ndimage.binary_erosion(region)
    else:
        places = region.copy()
        rim = size // 10
        places[:rim] = places[-rim:] = places[:, :rim] = places[:, -rim:] = False
    y, x = np.divmod(rng.choice(np.flatnonzero(places if places.any() else region)), size)
    area = np.exp(rng.uniform(np.log(0.008), np.log(0.12))) * (0.5 + 0.5 * strength)
    area = min(area, 0.3 * region.mean())
    return Spot(((x + 0.5) / size, (y + 0.5) / size), np.sqrt(area / np.pi), rng.uniform(0, 2 * np.pi))


def visible(before, after):
    """Where two pictures differ visibly, at the pixel or on average around it, without the gaps between such pixels."""
    difference = np.abs(after - before).max(axis=2)
    differs = np.maximum(difference, ndimage.gaussian_filter(difference, 0.015 * len(before))) > 0.04
    return differs | ndimage.binary_closing(differs, np.ones((3, 3)), iterations=max(1, len(before) // 40))


# --- Shapes ---

def outline(rng, size, spot, rough=0.3, stretch=1.0, angle=None):
    """Distance from the spot's middle in units of an irregular outline, 1 on it; `stretch` draws it along `angle`."""
    stretch = np.sqrt(stretch * np.exp(rng.uniform(-0.3, 0.3)))
    x, y = grid(size, rng.uniform(0, np.pi) if angle is None else angle, spot.centre, spot.radius)
    x, y = x / stretch, y * stretch
    turn = np.arctan2(y, x)
    ripple = 1 + 0.2 * rough * noise(rng, size, 1.2)
    for waves in range(2, 7):
        ripple += rough * rng.normal() / waves ** 1.4 * np.cos(waves * turn + rng.uniform(0, 2 * np.pi))
    return np.hypot(x, y) / np.maximum(ripple, 0.3)


def shard(rng, size, spot):
    """Like outline, for a polygon with 5 to 7 uneven sides."""
    x, y = grid(size, rng.uniform(0, np.pi), spot.centre, spot.radius)
    sides = rng.integers(5, 8)
    turns = 2 * np.pi * (np.arange(sides) + rng.uniform(-0.3, 0.3, sides)) / sides
    return np.max([(np.cos(t) * x + np.sin(t) * y) / rng.uniform(0.6, 1.1) for t in turns], axis=0)


def filled(distance, spot, soft=0.0):
    """Coverage of an outline's inside; `soft` is the width of its edge in shares of the spot's radius."""
    return edge((distance - 1) * spot.radius, max(soft * spot.radius, 1.5 / len(distance)))


def stroke(size, centre, angle, length, width, path=(0.0, 0.0), taper=True):
    """Coverage of a line about `centre`; path: sideways offsets at even steps along it."""
    x, y = grid(size, angle, centre)
    across = y - np.interp(x, np.linspace(-length / 2, length / 2, len(path)), path)
    along = 2 * x / length
    half = width / 2 * (np.sqrt(np.clip(1 - along ** 2, 0, 1)) if taper else 1)
    return edge(np.maximum(np.abs(across) - half, (np.abs(along) - 1) * length / 2), 1.5 / size)


def moved(field, angle, distance):
    """A field shifted by a distance towards a direction."""
    return warp(field, -distance * np.cos(angle), -distance * np.sin(angle))


# --- Colour and light ---

def contrast(picture, coverage, strength, colours):
    """The mean colour under the coverage, and the step from it towards the first of the colours that is far enough from
    it to be seen, as long as the strength asks; longer on a restless ground."""
    weights = coverage * picture.region + 1e-6
    weights = weights / weights.sum()
    here = np.tensordot(weights, picture.rgb, 2)
    spread = np.sqrt(np.tensordot(weights, (picture.rgb - here) ** 2, 2)).max()
    steps = np.asarray(colours) - here
    far = np.abs(steps).max(axis=1)
    chosen = np.argmax(far > 0.4) if (far > 0.4).any() else np.argmax(far)
    amount = 0.07 + 0.37 * strength + 0.6 * spread
    return here.astype(np.float32), (steps[chosen] * min(1.0, amount / far[chosen])).astype(np.float32)


def light_or_dark(rng):
    return (DARK, LIGHT) if rng.random() < 0.5 else (LIGHT, DARK)


def paints(rng):
    """A few strong colours."""
    return [hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.95)) for _ in range(5)]


def dirts(rng):
    """A few dull colours, brownish and grey, dark ones first."""
    return [hsv(rng.uniform(0.03, 0.14), rng.uniform(0.1, 0.7), v) for v in (rng.uniform(0.05, 0.3), 0.5, 0.9)]


def slopes(height):
    """How steeply a height field rises along x and y, 1 at the steepest."""
    dy, dx = np.gradient(ndimage.gaussian_filter(height, 0.012 * len(height)))
    steepest = np.hypot(dx, dy).max() + 1e-6
    return dx / steepest, dy / steepest


def relief(height, spot):
    """Light and shade on a height field: 1 faces the light, -1 turns away."""
    dx, dy = slopes(height)
    return -(dx * np.cos(spot.light) + dy * np.sin(spot.light))


def lit(rgb, light):
    """A picture under more (positive) or less light."""
    return np.clip(rgb + light[..., None] * (0.3 + 0.7 * rgb), 0, 1).astype(np.float32)


# --- The kinds ---

def scratch(picture, rng, strength, spot):
    """One or a few thin lines, straight or bent."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    width, bend = rng.uniform(0.008, 0.017), rng.uniform(-0.2, 0.2) * (rng.random() < 0.6)
    coverage = np.zeros((size, size), np.float32)
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        centre = np.array(spot.centre) + rng.normal(0, 0.05, 2)
        length = min(0.8, spot.radius * rng.uniform(2.5, 6))
        path = bend * length * np.linspace(-1, 1, 15) ** 2
        line = stroke(size, centre, angle + rng.normal(0, 0.12), length, width * rng.uniform(0.7, 1.2), path)
        coverage = np.maximum(coverage, line)
    here, step = contrast(picture, coverage, 1.3 * strength, light_or_dark(rng))
    pressure = np.clip(0.85 + 0.15 * noise(rng, size, 1.0), 0.5, 1)
    return np.broadcast_to(here + step, picture.rgb.shape), coverage * pressure


def crack(picture, rng, strength, spot):
    """A jagged dark line with branches and a lit lip."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    length, width = min(0.9, max(0.2, spot.radius * rng.uniform(3, 6))), rng.uniform(0.01, 0.02)
    path = np.cumsum(rng.normal(0, 0.03, 14)) * length
    path -= path.mean()
    line = stroke(size, spot.centre, angle, length, width, path)
    for _ in range(rng.integers(0, 4)):
        start = rng.integers(2, 12)
        along, turn = (start / 13 - 0.5) * length, rng.choice([-1, 1]) * rng.uniform(0.5, 1.1)
        twig = length * rng.uniform(0.2, 0.45)
        x = along + np.cos(turn) * twig / 2
        y = path[start] + np.sin(turn) * twig / 2
        centre = (spot.centre[0] + np.cos(angle) * x - np.sin(angle) * y,
                  spot.centre[1] + np.sin(angle) * x + np.cos(angle) * y)
        jags = np.append(np.insert(rng.normal(0, 0.06 * twig, 5), 0, 0), 0)
        line = np.maximum(line, stroke(size, centre, angle + turn, twig, 0.7 * width, jags, taper=False))
    here, step = contrast(picture, line, 1.4 * strength, [DARK, LIGHT])
    lip = moved(line, spot.light, 0.012)
    return mix(lit(picture.rgb, 0.5 * strength * lip), here + step, line), np.maximum(line, lip)


def hole(picture, rng, strength, spot):
    """A hole through which what is behind is seen, shadowed on the side of the light, with a raised rim."""
    size = len(picture.rgb)
    distance = outline(rng, size, spot, 0.2)
    inside = filled(distance, spot, 0.1)
    shadow = 0.15 + 0.45 * (1 - moved(inside, spot.light, -0.5 * spot.radius))
    floor = lit(mix(picture.rgb, picture.behind, np.full((size, size), min(1, 0.3 + 0.7 * strength))), -shadow)
    rim = relief(-np.exp(-3 * (distance - 1) ** 2), spot) * (0.15 + 0.35 * strength)
    return mix(lit(picture.rgb, rim), floor, inside), filled(distance / 1.2, spot, 0.3)


def pits(picture, rng, strength, spot):
    """Several small deep pits close together."""
    size = len(picture.rgb)
    depth = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(3, 10)):
        radius = rng.uniform(0.012, 0.03)
        x, y = grid(size, 0, np.array(spot.centre) + rng.normal(0, 0.3 * spot.radius + 0.04, 2), radius)
        depth = np.maximum(depth, np.exp(-x ** 2 - y ** 2))
    here, step = contrast(picture, depth, 1.2 * strength, [DARK, LIGHT])
    return lit(picture.rgb + step * depth[..., None], 0.3 * strength * relief(-depth, spot)), edge(0.3 - depth, 0.3)


def stain(picture, rng, strength, spot):
    """An irregular soft-edged blot, often darker towards its edge, through which the material is seen."""
    size = len(picture.rgb)
    distance = outline(rng, size, spot, 0.6)
    coverage = filled(distance, spot, rng.uniform(0.2, 0.7))
    _, step = contrast(picture, coverage, strength, dirts(rng))
    density = 0.8 + 0.2 * noise(rng, size, 1.5) + rng.uniform(0, 0.6) * (np.clip(distance, 0, 1) ** 3 - 0.5)
    return picture.rgb + step * density[..., None], coverage


def colour_spot(picture, rng, strength, spot):
    """A spot of a strong wrong colour."""
    coverage = filled(outline(rng, len(picture.rgb), spot, 0.3), spot, rng.uniform(0.05, 0.3))
    here, step = contrast(picture, coverage, 1.1 * strength, paints(rng))
    return mix(picture.rgb + step, here + step, np.full(coverage.shape, rng.uniform(0, 0.6))), coverage


def burn(picture, rng, strength, spot):
    """A scorched place: brown at the edge, charred in the middle."""
    size = len(picture.rgb)
    distance = outline(rng, size, spot, 0.4)
    coverage = filled(distance, spot, 0.9)
    _, step = contrast(picture, coverage, 1.5 * strength, [hsv(0.06, 0.6, 0.08), hsv(0.09, 0.3, 0.75)])
    brown = np.array([0.35, 0.75, 1.0], np.float32)             # blue goes first, red last
    char = np.clip(1.2 - distance + 0.1 * noise(rng, size, 0.8), 0, 1)[..., None]
    return picture.rgb + step * (char + (1 - char) * brown * 0.7), coverage


def dent(picture, rng, strength, spot):
    """A dent or bump: light on one side, shade on the other, the pattern drawn aside."""
    distance = outline(rng, len(picture.rgb), spot, 0.25)
    height = np.exp(-2 * distance ** 2) * rng.choice([-1, 1])
    dx, dy = slopes(height)
    depth = 0.25 * strength * spot.radius
    return lit(warp(picture.rgb, dx * depth, dy * depth), (0.18 + 0.42 * strength) * relief(height, spot)), \
        filled(distance / 1.05, spot, 0.4)


def warped(picture, rng, strength, spot):
    """A part pushed aside, with the soft shading of the bend."""
    distance = outline(rng, len(picture.rgb), spot, 0.15)
    push = np.exp(-1.5 * distance ** 2)
    depth, angle = (0.25 + 0.5 * strength) * spot.radius, rng.uniform(0, 2 * np.pi)
    bent = warp(picture.rgb, depth * np.cos(angle) * push, depth * np.sin(angle) * push)
    return lit(bent, (0.15 + 0.3 * strength) * relief(push, spot)), filled(distance / 1.3, spot, 0.4)


def fibre(picture, rng, strength, spot):
    """A hair or thread lying on top, with a small shadow."""
    size = len(picture.rgb)
    length = np.clip(spot.radius * rng.uniform(3, 6), 0.25, 0.8)
    t = np.linspace(-1, 1, 60)
    curl = rng.uniform(0.02, 0.15) * np.sin(rng.uniform(2, 6) * t + rng.normal())
    path = length * (rng.uniform(-0.3, 0.3) * t ** 2 + curl)
    thread = stroke(size, spot.centre, rng.uniform(0, np.pi), length, rng.uniform(0.01, 0.024), path, taper=False)
    here, step = contrast(picture, thread, 1.4 * strength, paints(rng) if rng.random() < 0.4 else light_or_dark(rng))
    shadow = 0.7 * moved(thread, spot.light, -0.02)
    return mix(lit(picture.rgb, -0.5 * strength * shadow), here + step, thread), np.maximum(thread, shadow)


def contamination(picture, rng, strength, spot):
    """Foreign grains or chips lying on top, with a small shadow."""
    size, count = len(picture.rgb), rng.choice([1, 1, 2, 4, 6])
    height = np.zeros((size, size), np.float32)
    for _ in range(count):
        centre = np.array(spot.centre) + rng.normal(0, 0.8 * spot.radius, 2) * (count > 1)
        grain = Spot(centre, max(0.02, spot.radius * rng.uniform(0.6, 1.0) / np.sqrt(count)), spot.light)
        distance = shard(rng, size, grain) if rng.random() < 0.6 else outline(rng, size, grain, 0.3)
        height = np.maximum(height, np.clip(1.6 - 0.6 * distance, 0, 1.4) * filled(distance, grain))
    things = np.clip(height, 0, 1)
    here, step = contrast(picture, things, 1.2 * strength, dirts(rng)[::-1] if rng.random() < 0.5 else paints(rng))
    grainy = 0.05 * noise(rng, size, 0.7) + 0.25 * strength * relief(height, spot)
    body = lit(np.broadcast_to(here + step, picture.rgb.shape), grainy)
    shadow = ndimage.gaussian_filter(moved(things, spot.light, -0.025), 0.006 * size)
    return mix(lit(picture.rgb, -0.5 * strength * shadow), body, things), np.maximum(things, shadow)


def missing(picture, rng, strength, spot):
    """A piece broken off at the edge: what is behind is seen, along a thin broken face."""
    size = len(picture.rgb)
    distance = outline(rng, size, spot, 0.5)
    face = filled(distance / 1.12, spot, 0.05)
    here, step = contrast(picture, face, strength, light_or_dark(rng))
    broken = lit(np.broadcast_to(here + 0.6 * step, picture.rgb.shape), 0.05 * noise(rng, size, 0.5))
    return mix(broken, picture.behind, filled(distance, spot, 0.05)), face


def chip(picture, rng, strength, spot):
    """A flake off the edge: a faceted fresh face."""
    size = len(picture.rgb)
    distance = shard(rng, size, spot)
    face = filled(distance, spot)
    here, step = contrast(picture, face, strength, light_or_dark(rng))
    facets = (0.1 + 0.3 * strength) * relief(distance * face, spot) + 0.04 * noise(rng, size, 0.5)
    return lit(np.broadcast_to(here + step, picture.rgb.shape), facets), face


def cut(picture, rng, strength, spot):
    """A straight slit, opened: dark inside, one edge lit, the other shaded."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    length = np.clip(spot.radius * rng.uniform(2.5, 5), 0.15, 0.7)
    width = rng.uniform(0.02, 0.05) * (0.4 + 0.6 * strength)
    slit = stroke(size, spot.centre, angle, length, width)
    edges = stroke(size, spot.centre, angle, 1.05 * length, width + 0.04)
    _, across = grid(size, angle, spot.centre)
    here, step = contrast(picture, slit, 1.4 * strength, [DARK, LIGHT])
    lips = lit(picture.rgb, (0.1 + 0.3 * strength) * edges * np.sign(across))
    return mix(lips, here + step, slit), edges


def abrasion(picture, rng, strength, spot):
    """A rubbed patch: the texture worn flat and pale, with fine streaks."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    coverage = filled(outline(rng, size, spot, 0.4, 1.8, angle), spot, 0.5)
    _, step = contrast(picture, coverage, 0.8 * strength, [LIGHT, DARK])
    blur = 0.03 * size
    flat = ndimage.gaussian_filter(picture.rgb, (blur, blur, 0)) + step
    return lit(flat, (0.02 + 0.06 * strength) * noise(rng, size, 0.5, 4.0, angle)), coverage


def scuff(picture, rng, strength, spot):
    """A scuffed edge or corner: coat worn off in short rough marks."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    body = filled(outline(rng, size, spot, 0.4, 1.3), spot, 0.6)
    marks = np.clip(0.55 + 0.6 * noise(rng, size, 0.8, 2.0, angle), 0, 1)
    here, step = contrast(picture, body, 1.2 * strength, light_or_dark(rng))
    bare = lit(np.broadcast_to(here + step, picture.rgb.shape), 0.08 * noise(rng, size, 0.3))
    return mix(picture.rgb, bare, marks), body


def misprint(picture, rng, strength, spot):
    """A patch of the picture displaced, a little too dark or too light."""
    size = len(picture.rgb)
    x, y = grid(size, rng.choice([0.0, rng.uniform(0, np.pi)]), spot.centre, spot.radius * 0.9)
    ratio = np.exp(rng.uniform(-0.6, 0.6))
    coverage = filled(np.maximum(np.abs(x) / ratio, np.abs(y) * ratio), spot)
    _, step = contrast(picture, coverage, 0.5 * strength, light_or_dark(rng))
    return moved(picture.rgb, rng.uniform(0, 2 * np.pi), rng.uniform(0.04, 0.15)) + 0.6 * step, coverage


def smear(picture, rng, strength, spot):
    """Colour dragged along one direction before it was dry."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    coverage = filled(outline(rng, size, spot, 0.3, 2.5, angle), spot, 0.3)
    reach = np.linspace(-1, 1, 11) * (0.04 + 0.12 * strength) * size
    drag = [np.roll(picture.rgb, (round(r * np.sin(angle)), round(r * np.cos(angle))), (0, 1)) for r in reach]
    _, step = contrast(picture, coverage, 0.7 * strength, dirts(rng) if rng.random() < 0.5 else paints(rng))
    streaks = 0.7 + 0.35 * noise(rng, size, 0.7, 6.0, angle)
    return np.mean(drag, axis=0) + step * streaks[..., None], coverage


def fold(picture, rng, strength, spot):
    """A fold across: the texture mirrored along it, one side lit, the other in shade, a dark crease."""
    size, angle = len(picture.rgb), rng.uniform(0, np.pi)
    length, width = np.clip(spot.radius * rng.uniform(4, 7), 0.35, 1.2), rng.uniform(0.05, 0.11)
    _, across = grid(size, angle, spot.centre)
    back = 2 * np.clip(across, 0, width)                                  # read from the other side of the crease
    folded = warp(picture.rgb, back * np.sin(angle), -back * np.cos(angle))
    light = np.where(across > 0, 1.0, -0.8) * np.clip(1 - np.abs(across) / width, 0, 1) * (0.1 + 0.35 * strength)
    crease = stroke(size, spot.centre, angle, length, 0.008, taper=False)
    return lit(folded, light - (0.1 + 0.3 * strength) * crease), \
        stroke(size, spot.centre, angle, length, 1.6 * width, taper=False)


def glue(picture, rng, strength, spot):
    """A drop of glue: clear or milky, bending the pattern below it, with a rim and a highlight."""
    size = len(picture.rgb)
    distance = outline(rng, size, spot, 0.18)
    coverage = filled(distance, spot, 0.1)
    height = np.sqrt(np.clip(1 - distance ** 2, 0, 1))
    dx, dy = slopes(height)
    here, step = contrast(picture, coverage, strength, [hsv(0.13, rng.uniform(0, 0.6), 0.92), hsv(0.1, 0.7, 0.45)])
    below = warp(picture.rgb, dx * 0.4 * spot.radius, dy * 0.4 * spot.radius)
    body = mix(below, here + step, np.full((size, size), rng.uniform(0.35, 0.7)))
    gleam = np.array(spot.centre) + 0.45 * spot.radius * np.array([np.cos(spot.light), np.sin(spot.light)])
    x, y = grid(size, spot.light, gleam, spot.radius)
    shine = np.exp(-18 * x ** 2 - 6 * y ** 2) * (0.3 + 0.6 * strength)
    return mix(lit(body, 0.25 * strength * relief(height, spot)), LIGHT, np.clip(shine, 0, 1)), coverage


def kind(draw, phrases, suits="both", at_edge=False, reach=0.0):
    return Kind(draw.__name__, phrases, partial(applied, draw=draw, at_edge=at_edge, reach=reach), suits)


KINDS = [
    kind(scratch, ("scratched {}", "{} with a scratch", "{} with scratches")),
    kind(crack, ("cracked {}", "{} with a crack", "{} with cracks")),
    kind(hole, ("{} with a hole", "punctured {}", "{} with a hole in it")),
    kind(pits, ("pitted {}", "{} with pits", "{} with small holes")),
    kind(stain, ("stained {}", "{} with a stain", "dirty {}")),
    kind(colour_spot, ("discoloured {}", "{} with a colour spot", "{} with a spot of paint")),
    kind(burn, ("burnt {}", "{} with a burn", "scorched {}")),
    kind(dent, ("dented {}", "{} with a dent", "{} with a bump")),
    kind(warped, ("bent {}", "warped {}", "deformed {}"), reach=0.04),
    kind(fibre, ("{} with a hair on it", "{} with a fibre", "{} with a thread"), reach=0.04),
    kind(contamination, ("contaminated {}", "{} with contamination", "{} with foreign particles"), reach=0.03),
    kind(missing, ("incomplete {}", "{} with a missing part", "{} with a piece broken off"), at_edge=True),
    kind(chip, ("chipped {}", "{} with a chip", "{} with a chipped edge"), at_edge=True),
    kind(cut, ("cut {}", "{} with a cut", "{} with a slit")),
    kind(abrasion, ("worn {}", "{} with abrasion", "{} with a rubbed spot")),
    kind(scuff, ("scuffed {}", "{} with a scuffed edge", "{} with scuff marks"), at_edge=True),
    kind(misprint, ("misprinted {}", "{} with a misprint", "{} with a displaced patch")),
    kind(smear, ("smeared {}", "{} with a smear", "smudged {}")),
    kind(fold, ("folded {}", "{} with a fold", "creased {}")),
    kind(glue, ("{} with glue", "{} with a drop of glue", "{} with glue residue"), reach=0.03),
]

HELD_OUT = ("fold", "glue", "burn", "cut")    # kinds the training never sees
