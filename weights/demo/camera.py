"""The camera of the inspection station: light, lens and sensor, nearly alike in all pictures of one factory."""
import numpy as np
from scipy import ndimage

from picture import grid


def photograph(rgb, rng):
    """A drawn picture float32 [size, size, 3] -> the photo of it, uint8 [size, size, 3]."""
    size = rgb.shape[0]
    along, _ = grid(size, rng.uniform(0, 2 * np.pi))
    brightness = rng.uniform(0.94, 1.06) * (1 + rng.uniform(0, 0.12) * along)       # a lamp slightly to one side
    warmth = rng.uniform(-0.02, 0.02)
    colour = np.array([1 + warmth, 1, 1 - warmth], np.float32)
    photo = rgb * brightness[..., None].astype(np.float32) * colour
    softness = rng.uniform(0, 0.6)                                                  # of the lens, in pixels
    photo = ndimage.gaussian_filter(photo, (softness, softness, 0), mode="nearest", truncate=3)
    photo += rng.uniform(0.005, 0.02) * rng.standard_normal(photo.shape, dtype=np.float32)
    return (np.clip(photo, 0, 1) * 255 + 0.5).astype(np.uint8)
