"""Trains the demo model on the CPU and writes it as a checkpoint that `lake convert` reads.

    train.py PICTURES OUT [--minutes M]     PICTURES: what generate.py train wrote; OUT: folder for the checkpoint

Three losses on the same batch. (1) CLIP's: image and sentence of the same family and state belong together (InfoNCE with
several positives, since a batch holds several pictures of one family). (2) State: of a normal and an anomalous sentence with
the same name, an image is nearer to its own. (3) Patches: the same for every patch, by the defect's mask, along the
value-value path that the method compares patches with texts by, and along the plain one.

At first only windows of 8 x 8 of the 16 x 16 patches are computed, each with its place in the picture: five times as many
pictures in the same time (the idea of FLIP, Li et al. 2023, which drops patches at random); then whole pictures. Each process
has one thread and its own half of every batch; gradients are averaged, so all hold the same weights.
"""
import argparse
import json
import math
import os
import pathlib
import struct
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

import captions
import defects
import generate
import model as clip

PROCESSES = 2
MERGES = 400
SEED = 4802
SIDES, COUNTS = (8, 16), (32, 12)  # of the two stages: patches of a window's side, pictures of a process's batch
VISIBLE = 0.08                     # a picture none of whose patches is defective by more than this is called normal
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's, of the pixels
PATCH = clip.VISION["patch"]
SIDE = clip.VISION["resolution"] // PATCH


def vocabulary(teller):
    names = [n for f in generate.TRAINING for n in f.names]
    return captions.learn_merges(teller.all_words(names), MERGES)


class Batches:
    """Endless batches of one process."""

    def __init__(self, folder, rank, teller, tokenizer):
        self.images = np.load(folder / "images.npy", mmap_mode="r")
        self.masks = np.load(folder / "masks.npy", mmap_mode="r")
        self.labels = np.load(folder / "labels.npy")
        self.rng = np.random.default_rng([SEED, rank])
        self.mine = np.arange(rank, len(self.labels), PROCESSES)
        self.teller, self.tokenizer = teller, tokenizer

    def window(self, mask, side):
        """Row and column of a window's first patch: around a random defective pixel in two of three defective pictures."""
        rooms = SIDE - side + 1
        row, column = self.rng.integers(rooms, size=2)
        if rooms > 1 and self.rng.random() < 0.67 and mask.any():
            y, x = np.nonzero(mask)
            i = self.rng.integers(len(y))
            row, column = np.clip(np.array((y[i], x[i])) // PATCH - self.rng.integers(side, size=2), 0, rooms - 1)
        return int(row), int(column)

    def recoloured(self, pixels):
        """Colour channels exchanged, gamma, contrast and white balance: a defect is one in any light."""
        pixels = pixels[..., self.rng.permutation(3)] if self.rng.random() < 0.5 else pixels
        pixels = pixels ** np.float32(np.exp(self.rng.normal(0, 0.15)))
        pixels = (pixels - 0.5) * np.float32(np.exp(self.rng.normal(0, 0.12))) + 0.5
        return pixels * (1 + self.rng.normal(0, 0.06, 3).astype(np.float32))

    def picture(self, number, side):
        """A window of a turned, mirrored, recoloured picture: pixels [3, h, w], the defective share of each of its patches
        [side * side], and their places in the grid."""
        turns, columns = int(self.rng.integers(4)), int(self.rng.choice((-1, 1)))
        rgb, mask = (np.rot90(a[number], turns)[:, ::columns] for a in (self.images, self.masks))
        row, column = self.window(mask, side)
        part = np.s_[row * PATCH:(row + side) * PATCH, column * PATCH:(column + side) * PATCH]
        share = mask[part].reshape(side, PATCH, side, PATCH).mean((1, 3))
        pixels = self.recoloured(rgb[part].astype(np.float32) / 255)
        places = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)[row:row + side, column:column + side]
        return pixels.transpose(2, 0, 1), share.ravel(), places.ravel()

    def one(self, side):
        """A picture, its own and the opposite sentence, the class that InfoNCE knows it by (-1: its sentence does not name
        the family), whether it is anomalous."""
        number = int(self.mine[self.rng.integers(len(self.mine))])
        pixels, share, places = self.picture(number, side)
        family, kind = (int(n) for n in self.labels[number])
        if share.max() < VISIBLE:
            kind = generate.NORMAL
        state = "normal" if kind == generate.NORMAL else defects.KINDS[kind].name
        name, own = self.teller.name(self.rng, generate.TRAINING[family].names)
        other = "anomalous" if state == "normal" else "normal"
        said = [self.tokenizer.encode(self.teller.sentence(self.rng, name, s)) for s in (state, other)]
        return pixels, share, places, said, (family * 100 + kind + 1 if own else -1), state != "normal"

    def next(self, side, count):
        """-> pixels [count, 3, h, w], shares and places [count, patches], ids of the pictures' own sentences and then of the
        opposite ones [2 * count, tokens], classes and anomalous [count]"""
        pixels, shares, places, said, classes, anomalous = zip(*(self.one(side) for _ in range(count)))
        sentences = [pair[j] for j in range(2) for pair in said]
        ids = torch.zeros(2 * count, max(map(len, sentences)), dtype=torch.long)
        for line, sentence in zip(ids, sentences):
            line[:len(sentence)] = torch.tensor(sentence)
        pixels = torch.from_numpy(np.stack(pixels).astype(np.float32))
        pixels = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
        return (pixels, torch.from_numpy(np.stack(shares).astype(np.float32)), torch.from_numpy(np.stack(places)), ids,
                torch.tensor(classes), torch.tensor(anomalous))


def contrastive(images, texts, classes, scale):
    """InfoNCE both ways over pictures whose sentence names their family; equal classes are all positives."""
    named = classes >= 0
    if named.sum() < 2:
        return torch.zeros(())
    logits = scale * images[named] @ texts[named].T
    target = (classes[named][:, None] == classes[named][None, :]).float()
    target = target / target.sum(1, keepdim=True)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def balanced(logits, shares):
    """Binary cross-entropy over patches, clear cases only, either side weighing the same."""
    bad, good = shares > 0.1, shares == 0
    wanted = bad.float()
    each = binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    loss = (each * good).sum() / good.sum().clamp(min=1)
    return loss + 0.5 * (each * bad).sum() / bad.sum().clamp(min=1)


def losses(model, batch):
    pixels, shares, places, ids, classes, anomalous = batch
    count = len(pixels)
    image, values, plain = model.image(pixels, places)
    texts = model.embed_texts(ids)
    own, other = texts[:count], texts[count:]
    scale = model.logit_scale.exp()
    bad = torch.where(anomalous[:, None], own, other)
    good = torch.where(anomalous[:, None], other, own)
    towards = scale * (bad - good)
    state = binary_cross_entropy_with_logits((image * towards).sum(-1), anomalous.float())
    patches = [balanced((z @ towards[:, :, None])[..., 0], shares) for z in (values, plain)]
    return contrastive(image, own, classes, scale), state, patches[0], patches[1]


def average_gradients(model):
    """Over the processes, as one vector."""
    grads = [p.grad for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= PROCESSES
    for g, part in zip(grads, flat.split([g.numel() for g in grads])):
        g.copy_(part.view_as(g))


def optimiser_of(model):
    """AdamW; no decay of gains, biases, embeddings and the scale."""
    decayed = [p for n, p in model.named_parameters() if p.ndim >= 2 and "position" not in n and "token_embedding" not in n]
    names = {id(p) for p in decayed}
    others = [p for p in model.parameters() if id(p) not in names]
    return torch.optim.AdamW([dict(params=decayed, weight_decay=0.05), dict(params=others, weight_decay=0.0)],
                             lr=1.0, betas=(0.9, 0.98))


def learning_rate(done):
    """Warm-up over 3 % of the training, then a cosine down to 1 %; done: share of the training."""
    return 1e-3 * min(done / 0.03, 1.0) * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def write_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        blobs.append(tensor.numpy().astype("<f4").tobytes())
        header[name] = dict(dtype="F32", shape=list(tensor.shape), data_offsets=[at, at + len(blobs[-1])])
        at += len(blobs[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def write(model, merges, out):
    """The checkpoint as people publish them: weights, configuration, vocabulary."""
    write_safetensors(out / "model.safetensors", clip.named_for_export(model))
    (out / "config.json").write_text(json.dumps(clip.config(model.token_embedding.num_embeddings), indent=1) + "\n")
    (out / "preprocessor_config.json").write_text(json.dumps(dict(image_mean=MEAN, image_std=STD)) + "\n")
    captions.write_merges(out / "vocabulary.txt", merges)


def train(rank, options):
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(options.port))
    dist.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    torch.manual_seed(SEED)
    teller = captions.Captions({k.name: k.phrases for k in generate.TRAINING_KINDS})
    merges = vocabulary(teller)
    tokenizer = captions.Tokenizer(merges)
    model = clip.Clip(tokenizer.size)
    optimiser = optimiser_of(model)
    batches = Batches(options.pictures, rank, teller, tokenizer)
    total = sum(steps for _, _, steps in options.stages)
    step, begun, shown = 0, time.time(), np.zeros(4)
    for side, count, steps in options.stages:
        for _ in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step / total)
            parts = losses(model, batches.next(side, count))
            optimiser.zero_grad()
            (0.5 * parts[0] + parts[1] + parts[2] + 0.5 * parts[3]).backward()
            average_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                model.logit_scale.clamp_(max=math.log(100))
            shown = 0.98 * shown + 0.02 * np.array([float(p) for p in parts])
            step += 1
            if rank == 0 and step % 100 == 0:
                print(f"step {step} of {total}, {time.time() - begun:.0f} s: contrastive {shown[0]:.3f} state {shown[1]:.3f} "
                      f"patches {shown[2]:.3f} plain {shown[3]:.3f} scale {float(model.logit_scale.exp()):.1f}", flush=True)
            if rank == 0 and (step % 1000 == 0 or step == total):
                write(model, merges, options.out)
    dist.barrier()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--steps", type=int, nargs=2, default=(12000, 2200), help="with windows, with whole pictures")
    parser.add_argument("--port", type=int, default=29500)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.stages = list(zip(SIDES, COUNTS, options.steps))
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when a process loads the library: it would start threads of its own
    mp.spawn(train, (options,), PROCESSES)
