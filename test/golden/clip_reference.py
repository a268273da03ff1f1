"""CLIP in PyTorch's own modules, for comparison: nn.MultiheadAttention, nn.LayerNorm, F.interpolate. Used by
make_clip.py (golden values of a tiny model) and test/test_torch.py (agreement at full size).

Module names give the state_dict the tensor names of OpenAI's checkpoints.
"""
import json
import struct
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Tower:
    width: int
    layers: int
    heads: int
    mlp: int
    activation: str = "quick_gelu"  # or "gelu"
    eps: float = 1e-5


@dataclass
class Config:
    vision: Tower
    resolution: int
    patch: int
    embed: int
    ln_pre: bool = True
    patch_bias: bool = False
    projection: bool = True
    text: Tower = None
    context: int = 77
    vocabulary: int = 49408


OPENAI = {
    "tiny": Config(Tower(128, 3, 2, 512), 64, 16, 64, text=Tower(128, 2, 2, 512), context=16, vocabulary=600),
    "ViT-B-32": Config(Tower(768, 12, 12, 3072), 224, 32, 512, text=Tower(512, 12, 8, 2048)),
    "ViT-B-16": Config(Tower(768, 12, 12, 3072), 224, 16, 512, text=Tower(512, 12, 8, 2048)),
    "ViT-L-14-336": Config(Tower(1024, 24, 16, 4096), 336, 14, 768, text=Tower(768, 12, 12, 3072)),
}


class QuickGELU(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    def __init__(self, t):
        super().__init__()
        self.attn = nn.MultiheadAttention(t.width, t.heads, batch_first=True)
        self.ln_1 = nn.LayerNorm(t.width, t.eps)
        self.ln_2 = nn.LayerNorm(t.width, t.eps)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(t.width, t.mlp))
        self.mlp.add_module("gelu", nn.GELU() if t.activation == "gelu" else QuickGELU())
        self.mlp.add_module("c_proj", nn.Linear(t.mlp, t.width))

    def forward(self, x, mask=None):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))

    def value_value(self, x):
        """Attention of the values to themselves, of ln_1(x), through the output projection."""
        heads, (batch, n, width) = self.attn.num_heads, x.shape
        weight, bias = self.attn.in_proj_weight[2 * width:], self.attn.in_proj_bias[2 * width:]
        v = F.linear(self.ln_1(x), weight, bias).view(batch, n, heads, width // heads).transpose(1, 2)
        a = torch.softmax(v @ v.transpose(-1, -2) * (width // heads) ** -0.5, -1) @ v
        return self.attn.out_proj(a.transpose(1, 2).reshape(batch, n, width))


class Blocks(nn.Module):
    def __init__(self, t):
        super().__init__()
        self.resblocks = nn.ModuleList(Block(t) for _ in range(t.layers))


GRIDS = {"antialias": dict(mode="bicubic", antialias=True), "bicubic": dict(mode="bicubic"), "bilinear": dict(mode="bilinear")}


class Vision(nn.Module):
    def __init__(self, c):
        super().__init__()
        width, side = c.vision.width, c.resolution // c.patch
        self.conv1 = nn.Conv2d(3, width, c.patch, c.patch, bias=c.patch_bias)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(1 + side * side, width))
        self.ln_pre = nn.LayerNorm(width, c.vision.eps) if c.ln_pre else nn.Identity()
        self.transformer = Blocks(c.vision)
        self.ln_post = nn.LayerNorm(width, c.vision.eps)
        self.proj = nn.Parameter(torch.empty(width, c.embed)) if c.projection else None

    def positions(self, grid, method="antialias"):
        p = self.positional_embedding
        side = int((p.shape[0] - 1) ** 0.5)
        if side == grid:
            return p
        square = p[1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        square = F.interpolate(square, size=(grid, grid), align_corners=False, **GRIDS[method])
        return torch.cat([p[:1], square[0].permute(1, 2, 0).reshape(grid * grid, -1)])

    def embed(self, pixels, method="antialias"):
        """[1, 3, R, R] -> tokens before the first block [1, 1 + g g, D]."""
        x = self.conv1(pixels)
        grid = x.shape[-1]
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(x.shape[0], 1, -1), x], 1) + self.positions(grid, method)
        return self.ln_pre(x)

    def project(self, x):
        y = self.ln_post(x)
        return y if self.proj is None else y @ self.proj

    def blocks(self, x):
        """Tokens before the first block and after each: [layers + 1] of [1, n, D]."""
        stages = [x]
        for block in self.transformer.resblocks:
            stages.append(block(stages[-1]))
        return stages

    def patches_vv(self, stages, first, last):
        """Projected patch tokens of the value-value path through blocks first to last, counted from 1."""
        vv = stages[first - 1]
        for i in range(first, last + 1):
            vv = vv + self.transformer.resblocks[i - 1].value_value(stages[i - 1])
        return self.project(vv)[:, 1:]


class Clip(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.visual = Vision(c)
        if c.text:
            self.token_embedding = nn.Embedding(c.vocabulary, c.text.width)
            self.positional_embedding = nn.Parameter(torch.empty(c.context, c.text.width))
            self.transformer = Blocks(c.text)
            self.ln_final = nn.LayerNorm(c.text.width, c.text.eps)
            self.text_projection = nn.Parameter(torch.empty(c.text.width, c.embed))
            self.logit_scale = nn.Parameter(torch.tensor(float(np.log(100.0))))
        self.eval()

    def encode_text(self, ids):
        """ids [n, length]; the end id is the largest of the vocabulary."""
        n, length = ids.shape
        x = self.token_embedding(ids) + self.positional_embedding[:length]
        mask = torch.full((length, length), float("-inf"), dtype=x.dtype).triu(1)
        for block in self.transformer.resblocks:
            x = block(x, mask)
        x = self.ln_final(x)
        return x[torch.arange(n), ids.argmax(-1)] @ self.text_projection


def fill_random(model, seed):
    """Random weights under which activations keep a sensible size through all blocks."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=g, dtype=torch.float32)
            if name == "logit_scale":
                continue
            if ".ln_" in name or name.startswith("ln_"):
                p.copy_(noise * 0.1 + (1.0 if name.endswith("weight") else 0.0))
            elif name.endswith("bias"):
                p.copy_(noise * 0.05)
            elif name.endswith(("positional_embedding", "token_embedding.weight", "class_embedding")):
                p.copy_(noise * 0.3)
            elif name.endswith("proj") or name == "text_projection":
                p.copy_(noise * p.shape[0] ** -0.5)
            else:
                p.copy_(noise * (p.numel() // p.shape[0]) ** -0.5)
    return model


DTYPES = {"float32": "F32", "float16": "F16", "uint8": "U8", "int64": "I64"}


def save_safetensors(path, arrays, metadata=None):
    """arrays: name -> numpy array."""
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    for name, a in arrays.items():
        header[name] = {"dtype": DTYPES[a.dtype.name], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for a in arrays.values():
            f.write(np.ascontiguousarray(a).tobytes())


def test_pixels(resolution):
    """A picture that any language can make: byte i is (i (i mod 97) + 13 i) mod 256. -> uint8 [R, R, 3]"""
    i = np.arange(3 * resolution * resolution, dtype=np.int64)
    return ((i * (i % 97) + 13 * i) % 256).astype(np.uint8).reshape(resolution, resolution, 3)


def normalise(rgb, mean, std, dtype=torch.float32):
    x = torch.from_numpy(rgb).permute(2, 0, 1).to(dtype) / 255
    return ((x - torch.tensor(mean, dtype=dtype)[:, None, None]) / torch.tensor(std, dtype=dtype)[:, None, None])[None]
