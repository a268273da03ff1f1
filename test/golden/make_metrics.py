"""Makes metrics.txt: scikit-learn's measures, and PRO with SciPy's components, of made-up scores that test_metrics.c makes
too; and, for masks, Pillow's nearest resize.  Run: /usr/bin/python3 test/golden/make_metrics.py

PRO is written for being evident, not fast: for every distinct score the pixels at or above it are flagged, and the share
found of each region is counted anew; likewise PRO-200 for each of its thresholds."""
import os
import sys

import numpy as np
import PIL
import scipy
import scipy.ndimage
import sklearn
import sklearn.metrics as skm
from PIL import Image

from lake_reference import Random

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = "numpy %s, scipy %s, scikit-learn %s, Pillow %s, python %d.%d" % (
    np.__version__, scipy.__version__, sklearn.__version__, PIL.__version__, *sys.version_info[:2])


def bits(random, count):
    """`count` random bits as an integer; none are 0."""
    return random.next() >> (64 - count)


def scores(seed, n, levels):
    """n scores on 2^levels values, in [-1, 1) and higher for the anomalous; exact in binary. Every third is anomalous."""
    random, out, labels = Random(seed), [], []
    for i in range(n):
        label = i % 3 == 0
        s = bits(random, levels) / 2.0 ** levels
        s = s + (1 - s) * (bits(random, levels) / 2.0 ** levels) * 0.5 if label else s
        out.append(np.floor(s * 2 ** levels) / 2 ** levels * 2 - 1)
        labels.append(int(label))
    return np.array(out), np.array(labels)


def measures(labels, values):
    if len(set(labels)) < 2:
        return [np.nan] * 3
    precision, recall, thresholds = skm.precision_recall_curve(labels, values)
    with np.errstate(invalid="ignore"):
        f1 = 2 * precision * recall / (precision + recall)
    return [skm.roc_auc_score(labels, values), skm.average_precision_score(labels, values), np.nanmax(f1)]


def picture(seed, h, w, levels, good):
    """A mask of overlapping boxes and single pixels, and a map that is higher on it, on 2^levels values; levels 0: on one."""
    random, mask = Random(seed), np.zeros((h, w), np.uint8)
    for box in range(0 if good else 5):
        y, x = bits(random, 16) % h, bits(random, 16) % w
        mask[y:y + bits(random, 16) % 6 + 1, x:x + bits(random, 16) % 6 + 1] = 1 + box
    for _ in range(0 if good else 12):
        y, x = bits(random, 16) % h, bits(random, 16) % w
        mask[y, x] = 255
    score = np.zeros((h, w), np.float32)
    for y in range(h):
        for x in range(w):
            s = bits(random, levels) / 2.0 ** levels
            score[y, x] = (s + 0.5 * (levels > 0 and mask[y, x] != 0) * bits(random, 2)) / 4 - 0.125
    return score, mask


def cover(masks, which):
    """Special masks: the first one everywhere ("first"), all everywhere ("all"), all nowhere ("none"), the first one where its
    map is not raised ("swap": then some of the highest scores are normal)."""
    for i, mask in enumerate(masks):
        if which == "swap" and i == 0:
            mask[:] = mask == 0
        if which == "none" or which == "all" or (which == "first" and i == 0):
            mask[:] = which != "none"


def parts(maps, masks):
    """The scores of the normal pixels, and of each 8-connected region."""
    regions = []
    for score, mask in zip(maps, masks):
        label, count = scipy.ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [score[label == r] for r in range(1, count + 1)]
    return np.concatenate([m[k == 0] for m, k in zip(maps, masks)]), regions


def pro(maps, masks, limit=0.3):
    normal, regions = parts(maps, masks)
    if len(normal) == 0 or not regions:
        return np.nan, len(regions)
    x, y = [0.0], [0.0]
    for t in sorted(set(np.concatenate([m.ravel() for m in maps])), reverse=True):
        x.append(np.mean(normal >= t))
        y.append(np.mean([np.mean(region >= t) for region in regions]))
    x, y = np.array(x), np.array(y)
    at_limit = np.interp(limit, x, y)
    # A rise straight up at the limit counts for nothing: what lies below it ends with the curve's value there.
    inside = x < limit
    return np.trapz(np.append(y[inside], at_limit), np.append(x[inside], limit)) / limit, len(regions)


def pro_200(maps, masks, limit=0.3):
    """Of APRIL-GAN's and AnomalyCLIP's papers: at 200 thresholds from the lowest score up, without the highest."""
    normal, regions = parts(maps, masks)
    if len(normal) == 0 or not regions:
        return np.nan
    low, high = float(min(m.min() for m in maps)), float(max(m.max() for m in maps))
    thresholds = [low + k * ((high - low) / 200) for k in range(200)]
    x = np.array([np.mean(normal > t) for t in thresholds])
    y = np.array([np.mean([np.mean(region > t) for region in regions]) for t in thresholds])
    x, y = x[x < limit], y[x < limit]
    if len(x) < 2 or x.max() == x.min():
        return np.nan
    return skm.auc((x - x.min()) / (x.max() - x.min()), y)


def main():
    with open(os.path.join(HERE, "metrics.txt"), "w") as out:
        out.write("# make_metrics.py: %s\n" % VERSIONS)
        out.write("# scores SEED N LEVELS auroc ap f1max\n")
        for seed, n, levels in ((1, 5, 3), (2, 40, 12), (3, 300, 4), (4, 2000, 16), (5, 1000, 1), (6, 50, 0)):
            values, labels = scores(seed, n, levels)
            out.write("scores %d %d %d %.15g %.15g %.15g\n" % (seed, n, levels, *measures(labels, values)))
        out.write("# pixels SEED H W LEVELS IMAGES COVER regions auroc ap f1max pro pro_200; every third picture is good\n")
        for seed, h, w, levels, images, covered in (
                (10, 9, 7, 3, 2, "-"), (20, 24, 31, 10, 5, "-"), (40, 40, 33, 5, 6, "-"), (60, 17, 64, 16, 4, "-"),
                (70, 30, 20, 1, 4, "-"), (80, 16, 16, 0, 4, "-"), (90, 21, 20, 9, 5, "first"), (100, 12, 13, 6, 3, "all"),
                (110, 12, 13, 6, 3, "none"), (120, 25, 14, 2, 4, "swap")):
            pairs = [picture(seed + i, h, w, levels, i % 3 == 2) for i in range(images)]
            maps, masks = [p[0] for p in pairs], [p[1] for p in pairs]
            cover(masks, covered)
            flat = measures(np.concatenate([m.ravel() != 0 for m in masks]), np.concatenate([m.ravel() for m in maps]))
            overlap, regions = pro(maps, masks)
            out.write("pixels %d %d %d %d %d %s %d " % (seed, h, w, levels, images, covered, regions))
            out.write("%.15g %.15g %.15g %.15g %.15g\n" % (*flat, overlap, pro_200(maps, masks)))
        out.write("# mask H W HEIGHT WIDTH, its pixels and those of it resized\n")
        for h, w, height, width in ((6, 9, 13, 4), (11, 8, 5, 17), (7, 7, 7, 7)):
            mask = Image.fromarray((picture(70, h, w, 1, False)[1] != 0).astype(np.uint8))
            rows = np.asarray(mask.resize((width, height), Image.NEAREST))
            before, after = ("".join(str(v) for v in np.asarray(m).ravel()) for m in (mask, rows))
            out.write("mask %d %d %d %d %s %s\n" % (h, w, height, width, before, after))


main()
