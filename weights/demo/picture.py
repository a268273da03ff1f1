"""What surfaces, objects and defects are drawn with: coordinates, noise, colours and smooth edges in NumPy.

Pictures are float32 arrays [size, size, 3] with values from 0 to 1; lengths are in shares of the picture's side, so that
nothing depends on the number of pixels. Every random number comes from the numpy Generator that is passed in.
"""
from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass
class Picture:
    rgb: np.ndarray     # float32 [size, size, 3], 0 to 1
    region: np.ndarray  # bool [size, size]: where the thing is, and so where a defect may be
    behind: np.ndarray  # float32 [size, size, 3]: what is seen where the thing is missing


@dataclass
class Family:
    """A kind of surface or object. A product is one member of it, as one factory makes it: the same in every picture but
    for what light, placement and the material's own variation do."""
    name: str         # of its folder: lower case, underscores
    names: tuple      # what captions call it, lower case, singular, without an article
    kind: str         # "surface" or "object"
    product: object   # product(rng) -> dict of whatever render needs
    render: object    # render(product, rng, size) -> Picture


def grid(size, angle=0.0, centre=(0.5, 0.5), scale=1.0):
    """x, y of every pixel's centre, float32 [size, size]: turned by angle (radians) about the centre, which is their
    origin, and divided by scale; one unit is the picture's side."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(axis - centre[0], axis - centre[1])
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return (c * x + s * y) / np.float32(scale), (-s * x + c * y) / np.float32(scale)


def noise(rng, size, smoothness=1.0, stretch=1.0, angle=0.0):
    """Gaussian noise with amplitude 1 / frequency ** smoothness, zero mean and unit deviation; 0 is white, 1 cloudy, 2
    very soft. stretch > 1 draws it out along the direction `angle`."""
    fy, fx = np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij")
    c, s = np.cos(angle), np.sin(angle)
    along, across = (c * fx + s * fy) * stretch, (-s * fx + c * fy) / stretch
    frequency = np.sqrt(along ** 2 + across ** 2)
    frequency[0, 0] = 1.0
    amplitude = frequency ** -smoothness
    amplitude[0, 0] = 0.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * amplitude
    field = np.fft.irfft2(spectrum, s=(size, size))
    return (field / (field.std() + 1e-12)).astype(np.float32)


def edge(distance, width):
    """Coverage of a shape from its signed distance (negative inside): 1 inside, 0 outside, smooth over `width`."""
    t = np.clip(0.5 - distance / width, 0.0, 1.0)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def mix(below, above, coverage):
    """`above` laid over `below`: pictures or colours; coverage [size, size]."""
    coverage = coverage[..., None]
    return (np.asarray(below, np.float32) * (1 - coverage) + np.asarray(above, np.float32) * coverage).astype(np.float32)


def hsv(hue, saturation, value):
    """An RGB colour, float32 [3]; hue wraps round at 1."""
    k = (np.array([5.0, 3.0, 1.0]) + hue * 6.0) % 6.0
    return (value - value * saturation * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)).astype(np.float32)


def shade(colour, brightness):
    """A colour under a field of brightness [size, size] (1: as it is) -> a picture."""
    return np.clip(np.asarray(colour, np.float32) * brightness[..., None], 0.0, 1.0).astype(np.float32)


def warp(field, dx, dy):
    """A picture or field [size, size(, 3)] read at x + dx, y + dy (shares of the side), bilinear, mirrored at the border."""
    size = field.shape[0]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    where = [y + dy * size, x + dx * size]
    if field.ndim == 2:
        return ndimage.map_coordinates(field, where, order=1, mode="mirror").astype(np.float32)
    return np.stack([ndimage.map_coordinates(field[..., i], where, order=1, mode="mirror")
                     for i in range(field.shape[2])], axis=-1).astype(np.float32)
