#!/usr/bin/python3
"""Makes clip_tiny.safetensors: two tiny models with random weights, and what PyTorch computes with them in double
precision, stage by stage. Run in this folder: /usr/bin/python3 make_clip.py

Model "a" has everything (ln_pre, projection, text tower), model "b" is built like timm's ViTs (bias of the patch
embedding, no ln_pre, no projection, no text tower, erf GELU, eps 1e-6). Weights bear the names of the .clip format,
matrices are f16. test/test_clip.c builds .clip files of them and compares.
"""
import numpy as np
import torch

from clip_reference import Clip, Config, Tower, GRIDS, fill_random, normalise, save_safetensors, test_pixels

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
MODELS = {
    "a": Config(Tower(24, 3, 3, 40), 32, 8, 18, text=Tower(14, 2, 2, 36, "gelu"), context=12, vocabulary=514),
    "b": Config(Tower(16, 1, 2, 24, "gelu", 1e-6), 15, 5, 16, ln_pre=False, patch_bias=True, projection=False),
}
RENAMED = {
    "visual.conv1.weight": "vision.patch.weight", "visual.conv1.bias": "vision.patch.bias",
    "visual.class_embedding": "vision.class", "visual.positional_embedding": "vision.positions",
    "token_embedding.weight": "text.tokens.weight", "positional_embedding": "text.positions",
}
PARTS = {"attn.in_proj_": "qkv.", "attn.out_proj.": "attn_out.", "mlp.c_fc.": "mlp_in.", "mlp.c_proj.": "mlp_out."}
TRANSPOSED = {"visual.proj": "vision.projection.weight", "text_projection": "text.projection.weight"}


def clip_name(name):
    if name in RENAMED:
        return RENAMED[name]
    for old, new in PARTS.items():
        name = name.replace(old, new)
    name = name.replace("visual.transformer.resblocks.", "vision.blocks.").replace("visual.", "vision.")
    name = name.replace("transformer.resblocks.", "text.blocks.")
    return "text." + name if name.startswith("ln_final") else name


def round_matrices(model):
    """Matrices to numbers that f16 holds, so that the file and PyTorch have the same."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() >= 2 and "positional" not in name:
                p.copy_(p.half().float())


def weights(model):
    out = {}
    for name, p in model.state_dict().items():
        if name == "logit_scale":
            continue
        array = p.float().numpy()
        if p.dim() >= 2 and "positional" not in name:
            array = array.astype(np.float16)
        if name in TRANSPOSED:
            out[TRANSPOSED[name]] = np.ascontiguousarray(array.T)
        else:
            out[clip_name(name)] = array
    return out


def image_stages(model, resolution):
    v, c = model.visual, model.config
    pixels = normalise(test_pixels(resolution), MEAN, STD, torch.float64)
    out = {}
    if resolution == c.resolution:
        out["pixels"] = pixels[0]
    for method in GRIDS if resolution != c.resolution else ["antialias"]:
        x = v.embed(pixels, method)
        out[f"{method}.embedded"] = x[0]
        if method != "antialias":
            continue
        stages = v.blocks(x)
        for i in range(1, c.vision.layers + 1):
            out[f"block{i}"] = stages[i][0, 1:]
        out["class_token"] = stages[-1][0, 0]
        out["embedding"] = v.project(stages[-1])[0, 0]
        out["patches"] = v.project(stages[-1])[0, 1:]
        out["patches_vv"] = v.patches_vv(stages, max(1, c.vision.layers - 1), c.vision.layers)[0]
        if c.vision.layers > 2:
            out["patches_at_2"] = v.project(stages[2])[0, 1:]
            out["patches_vv_1_to_2"] = v.patches_vv(stages, 1, 2)[0]
    return out


def sentences(context, vocabulary):
    """Ids as [6, context]: the end id (the largest) at several places, something behind it, the start id first."""
    g = torch.Generator().manual_seed(5)
    ids = torch.randint(0, vocabulary - 2, (6, context), generator=g)
    ids[:, 0] = vocabulary - 2
    for row, end in enumerate((1, 3, 4, 7, context - 2, context - 1)):
        ids[row, end] = vocabulary - 1
    return ids


def main():
    arrays = {}
    for key, config in MODELS.items():
        model = fill_random(Clip(config), ord(key))
        round_matrices(model)
        arrays.update({f"{key}.{n}": a for n, a in weights(model).items()})
        model.double()
        with torch.no_grad():
            side = config.resolution // config.patch
            for grid in (side, side - 1, side + 2):
                for name, value in image_stages(model, grid * config.patch).items():
                    arrays[f"{key}.golden.{grid * config.patch}.{name}"] = value.float().numpy()
            if config.text:
                ids = sentences(config.context, config.vocabulary)
                arrays[f"{key}.golden.ids"] = ids.numpy().astype(np.float32)
                arrays[f"{key}.golden.text"] = model.encode_text(ids).float().numpy()
    save_safetensors("clip_tiny.safetensors", arrays, {"made_by": "make_clip.py", "torch": torch.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main()
