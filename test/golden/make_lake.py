"""Makes lake.txt: what lake_reference.py gives for made-up tokens under many options; test_lake.c computes the same
tokens and compares. Also map.txt (SciPy, PyTorch) and eigen.txt (NumPy).  Run: /usr/bin/python3 test/golden/make_lake.py"""
import os
import sys

import numpy as np
import scipy
import scipy.ndimage
import sklearn
import sklearn.decomposition
import torch

from lake_reference import Detector, Options, Random, activate, overlap, pool, unit

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = "numpy %s, scipy %s, scikit-learn %s, torch %s, python %d.%d" % (
    np.__version__, scipy.__version__, sklearn.__version__, torch.__version__, *sys.version_info[:2])
WIDTHS, BLOCKS, EMBED = (40, 28), (3, 7), 8
ANOMALOUS_IMAGE = 99


def tokens(image, layer, patches):
    """Exact in float32, the same in test_lake.c: a mean and an amplitude per channel, 16 random bits per number; token
    7 is eight times as long; images from 99 on have three patches that are off in a third of the channels."""
    random, out = Random(image * 16 + layer), np.zeros((patches, WIDTHS[layer]))
    for p in range(patches):
        for d in range(WIDTHS[layer]):
            channel = Random(1000 * layer + d).next()
            amplitude = 0 if d == 5 else 2.0 ** -(channel % 5)
            mean = ((channel >> 8) % 9 - 4.0) / 2
            u = ((random.next() >> 48) - 32768.0) / 32768
            out[p, d] = mean + amplitude * u
            if image >= ANOMALOUS_IMAGE and p % 13 == 4 and d % 3 == 0:
                out[p, d] += 2.5
        if p == 7:
            out[p] *= 8
    return out.astype(np.float32)


def directions(seed, count):
    random = Random(seed)
    raw = np.array([[((random.next() >> 48) - 32768.0) / 32768 for _ in range(EMBED)] for _ in range(count)])
    return unit(raw).astype(np.float32)


def image(i, patches):
    return [tokens(i, l, patches) for l in range(2)]


def semantic(i, patches):
    normal, anomalous = directions(1, 1)[0], directions(2, 1)[0]
    return activate(directions(5000 + i, patches).astype(float), normal.astype(float), anomalous.astype(float), 10.0)


def line(out, name, values):
    values = np.ravel(values)
    print(name, len(values), *("%.9g" % v for v in values), file=out)


def case(out, name, n=3, height=6, width=6, text=False, **changes):
    o = Options(**{"neurons": 10, "seed": 11, "weight": 0.3, **changes})
    patches = height * width
    normals = list(range(n))
    if name.startswith("dirty"):  # an anomalous image among the normals
        normals[-1] = ANOMALOUS_IMAGE + 1
    detector = Detector([image(i, patches) for i in normals], (height, width), o, list(BLOCKS),
                        [semantic(i, patches) for i in normals] if text else None)
    r = detector.score(image(ANOMALOUS_IMAGE, patches), semantic(ANOMALOUS_IMAGE, patches))
    kind, value = ("fpr", o.threshold[1]) if isinstance(o.threshold, tuple) else ("auto", 0) if o.threshold == "auto" \
        else ("number", o.threshold)
    print("case", name, n, height, width, int(text), o.normalisation, o.selection, o.neurons, o.seed, o.distance, o.coreset,
          o.trim, o.weight, o.pooling, kind, value, file=out)
    for l, layer in enumerate(detector.layers):
        if o.selection != "pca":
            line(out, "channels", layer.channels)
        line(out, "delta", [layer.delta])
        line(out, "rows", [len(layer.gallery)])
        line(out, "distances", r["distances"][l])
        if o.coreset == 1 or l == 0:
            line(out, "winners", r["winners"][l])
    if name in ("defaults", "ln", "trim"):
        line(out, "variance", detector.layers[0].variance)
        line(out, "mean", detector.layers[0].mean)
        line(out, "audit", detector.audit(0))
    line(out, "dropped", np.flatnonzero(detector.dropped))
    line(out, "normal_scores", detector.normal_scores)
    line(out, "outlier", detector.outlier.astype(int))
    line(out, "threshold", [detector.threshold])
    line(out, "map", r["map"])
    line(out, "scores", [r["score"], r["structural"], r["semantic"] or 0])
    line(out, "patch", r["patch"])
    if o.selection != "pca":  # components may be mirrored or, where eigenvalues are close, mixed
        line(out, "shares", detector.shares(r, r["patch"][0] * width + r["patch"][1])[:5])
    print("end", file=out)


def write_lake():
    with open(os.path.join(HERE, "lake.txt"), "w") as out:
        print("#", VERSIONS, file=out)
        case(out, "defaults")
        for kind in ("none", "l2", "ln"):
            case(out, kind, normalisation=kind)
        for kind in ("random", "bottom", "all", "pca"):
            case(out, kind, selection=kind)
        case(out, "cosine", distance="cosine")
        case(out, "cosine-pca", distance="cosine", selection="pca", neurons=5)
        case(out, "cosine-one", distance="cosine", n=1, text=True)
        case(out, "one", n=1)
        case(out, "two", n=2, threshold=("fpr", 0.25))
        case(out, "five", n=5, threshold=("fpr", 0.1), pooling="mean")
        case(out, "number", threshold=0.625, pooling="top1")
        case(out, "text", text=True)
        case(out, "text-mean", text=True, weight=0.75, pooling="mean", n=4)
        case(out, "coreset", coreset=0.3)
        case(out, "coreset-one", coreset=0.4, n=1)
        case(out, "coreset-tiny", coreset=0.01)
        case(out, "trim", trim=0.1)
        case(out, "trim-text", trim=0.25, n=5, text=True, coreset=0.5)
        case(out, "trim-one", trim=0.5, n=1)
        case(out, "dirty", n=6)
        case(out, "dirty-trim", n=6, trim=0.01)
        case(out, "narrow", n=1, height=3, width=3)
        case(out, "strip", n=1, height=1, width=5)
        case(out, "single", n=1, height=1, width=1)
        case(out, "single-two", n=2, height=1, width=1)
        case(out, "wide", neurons=100)
        case(out, "large", n=2, height=15, width=18, pooling="top1", neurons=6)
        line(out, "pool", [pool(directions(77, 40).ravel(), p) for p in ("max", "mean", "top1")])
        detectors = [Detector([image(i, 36) for i in s], (6, 6), Options(neurons=15)) for s in ((0, 1), (20,))]
        line(out, "overlap", overlap(detectors[0].layers[0].channels, detectors[1].layers[0].channels, 40))


def write_map():
    with open(os.path.join(HERE, "map.txt"), "w") as out:
        print("#", VERSIONS, file=out)
        for h, w, height, width in ((6, 6, 31, 22), (5, 7, 5, 7), (9, 4, 3, 2), (1, 1, 4, 3), (2, 3, 40, 1)):
            random = Random(h * 100 + w)
            grid = np.array([(random.next() >> 48) / 65536 for _ in range(h * w)], np.float32).reshape(h, w)
            big = torch.nn.functional.interpolate(torch.tensor(grid, dtype=torch.float64)[None, None], (height, width),
                                                  mode="bilinear", align_corners=False)[0, 0].numpy()
            print("upsample", h, w, height, width, *("%.9g" % v for v in big.ravel()), file=out)
            for sy, sx in ((1.3, 0.7), (5, 9), (0, 2)):
                blurred = scipy.ndimage.gaussian_filter(big.astype(np.float64), (sy, sx))
                print("blur", h, w, height, width, sy, sx, *("%.9g" % v for v in blurred.ravel()[::5]), file=out)


def write_eigen():
    with open(os.path.join(HERE, "eigen.txt"), "w") as out:
        print("#", VERSIONS, file=out)
        for n in (1, 2, 5, 20, 33):
            random = Random(n)
            a = np.array([((random.next() >> 48) - 32768.0) / 32768 for _ in range(n * n)]).reshape(n, n)
            a = np.tril(a) + np.tril(a, -1).T
            values, vectors = np.linalg.eigh(a)
            vectors = vectors[:, ::-1].T
            signs = np.sign(vectors[np.arange(n), abs(vectors).argmax(1)])
            print("eigen", n, *("%.15g" % v for v in values[::-1]), *("%.12g" % v for v in (vectors * signs[:, None])[0]),
                  *("%.12g" % v for v in (vectors * signs[:, None])[-1]), file=out)


def check_pca():
    """The reference's own PCA against scikit-learn's: the projections agree up to sign."""
    from lake_reference import principal_axes
    data = np.concatenate([tokens(i, 0, 36) for i in range(3)]).astype(np.float64)
    mean, axes = principal_axes(data, 10)
    theirs = sklearn.decomposition.PCA(10, svd_solver="full").fit(data)
    assert np.allclose(abs((data - mean) @ axes.T), abs(theirs.transform(data)), atol=1e-8)


if __name__ == "__main__":
    check_pca()
    write_lake()
    write_map()
    write_eigen()
