#!/usr/bin/python3
"""Makes text.txt: the text branch of tiny model "a" (clip_tiny.safetensors) in PyTorch, in double precision: from a class and
a prompt file to the two states, to s(p) of a picture's patches, and to the zero-shot score of the whole picture.
Run in this folder: /usr/bin/python3 make_text.py

The model's tokenizer is one of single bytes, so the sentences are spelt out here word by word and encoded by hand.
"""
import json
import math
import struct

import numpy as np
import torch

from clip_reference import Clip, normalise, test_pixels
from make_clip import MEAN, MODELS, STD, TRANSPOSED, clip_name

CONTEXT, START, END, LOGIT_SCALE = 12, 512, 513, np.float32(4.6)

# The prompt file of test/test_text.c with the class "\u00dc_y": templates x states, as words; case and underscore are gone.
NORMAL = ["a \u00fc y .", "a ok \u00fc y .", "\u00fc y b", "ok \u00fc y b"]
ANOMALOUS = ["a bad \u00fc y .", "a \u00fc y with flaw .", "bad \u00fc y b", "\u00fc y with flaw b"]
CASES = [(32, "vv", 3), (48, "plain", 3), (48, "vv", 1), (24, "plain", 2)]  # resolution, attention, block


def encode(sentence):
    """Bytes as they are, the last of a word 256 higher; cut to the context with the end id kept."""
    ids = [START]
    for word in sentence.split():
        b = word.encode()
        ids += [*b[:-1], 256 + b[-1]]
    return (ids[:CONTEXT - 1] + [END]), len(ids) > CONTEXT - 1


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def state(model, sentences):
    ids = [encode(s)[0] for s in sentences]
    rows = torch.tensor([i + [0] * (CONTEXT - len(i)) for i in ids])
    return unit(unit(model.encode_text(rows)).mean(0))


def load_arrays(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = {k: v for k, v in json.loads(data[8:8 + size]).items() if k != "__metadata__"}
    types = {"F16": np.float16, "F32": np.float32}
    return {name: np.frombuffer(data[8 + size:][slice(*t["data_offsets"])], types[t["dtype"]]).reshape(t["shape"]).astype(np.float32)
            for name, t in header.items()}


def load_model():
    model = Clip(MODELS["a"])
    arrays = load_arrays("clip_tiny.safetensors")
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "logit_scale":
                continue
            array = arrays["a." + TRANSPOSED.get(name, clip_name(name))]
            p.copy_(torch.from_numpy(array.T if name in TRANSPOSED else array))
    return model.double()


def anomalous_share(z, states):
    return torch.softmax(math.exp(LOGIT_SCALE) * z @ states.T, -1)[..., 1]


def main():
    model, lines = load_model(), []

    def add(name, values):
        values = np.asarray(values, np.float64).ravel()
        lines.append(" ".join([name, str(len(values)), *("%.9g" % v for v in values)]))

    with torch.no_grad():
        states = torch.stack([state(model, NORMAL), state(model, ANOMALOUS)])
        add("normal", states[0])
        add("anomalous", states[1])
        add("truncated", sum(encode(s)[1] for s in NORMAL + ANOMALOUS))
        for resolution, attention, block in CASES:
            visual = model.visual
            stages = visual.blocks(visual.embed(normalise(test_pixels(resolution), MEAN, STD, torch.float64)))
            patches = visual.project(stages[block])[0, 1:]
            if attention == "vv":  # a quarter of three blocks, at least one: the block itself
                patches = visual.patches_vv(stages, block, block)[0]
            name = "%d.%s.%d." % (resolution, attention, block)
            add(name + "patches", unit(patches))
            add(name + "semantic", anomalous_share(unit(patches), states))
            add(name + "whole", anomalous_share(unit(visual.project(stages[-1])[0, 0]), states))
    with open("text.txt", "w") as f:
        f.write("# made by make_text.py with torch %s, numpy %s\n" % (torch.__version__, np.__version__))
        f.write("\n".join(lines) + "\n")


main()
