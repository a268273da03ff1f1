"""The demo model: CLIP's architecture (Radford et al. 2021; order of operations as in OpenAI's clip/model.py), small.

A vision transformer with a class token, ln_pre, ln_post and QuickGELU; a causal text transformer pooled at the end token; a
projection of each into the joint space; a logit scale. Blocks are pre-norm. Weights leave under Hugging Face's CLIPModel
names (`named_for_export`), since its config.json states the number of heads.
"""
import math

import torch
from torch import nn

VISION = dict(width=128, layers=6, heads=4, patch=8, resolution=128)
TEXT = dict(width=96, layers=2, heads=3, context=40)
EMBED = 96


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp_in, self.mlp_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, q, k, v, mask=None):
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = scores + mask
        mixed = scores.softmax(-1) @ v                                  # [batch, heads, tokens, head width]
        return self.out(mixed.transpose(1, 2).flatten(2))

    def forward(self, x, mask=None, with_values=False):
        """x [batch, tokens, width] -> the same; with_values: also x + value-value attention, without the MLP (CLIP
        Surgery), which is what the patches are compared with texts by."""
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.ln_1(x)).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        values = x + self.attend(v, v, v) if with_values else None
        x = x + self.attend(q, k, v, mask)
        hidden = self.mlp_in(self.ln_2(x))
        x = x + self.mlp_out(hidden * torch.sigmoid(1.702 * hidden))
        return (x, values) if with_values else x


class Clip(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        width, patch = VISION["width"], VISION["patch"]
        side = VISION["resolution"] // patch
        self.patch_embedding = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width ** -0.5)
        self.positions = nn.Parameter(torch.randn(side * side + 1, width) * 0.02)
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.vision = nn.ModuleList(Block(width, VISION["heads"]) for _ in range(VISION["layers"]))
        self.vision_projection = nn.Linear(width, EMBED, bias=False)
        self.token_embedding = nn.Embedding(vocabulary, TEXT["width"])
        self.text_positions = nn.Parameter(torch.randn(TEXT["context"], TEXT["width"]) * 0.01)
        self.text = nn.ModuleList(Block(TEXT["width"], TEXT["heads"]) for _ in range(TEXT["layers"]))
        self.ln_final = nn.LayerNorm(TEXT["width"])
        self.text_projection = nn.Linear(TEXT["width"], EMBED, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def tokens(self, pixels, places):
        """pixels [batch, 3, h, w], windows of pictures; places [batch, patches]: where in the picture's grid, row by row, each
        patch is -> what ln_pre gives, [batch, 1 + patches, width]."""
        x = self.patch_embedding(pixels).flatten(2).transpose(1, 2) + self.positions[1 + places]
        first = (self.class_embedding + self.positions[0]).expand(len(x), 1, -1)
        return self.ln_pre(torch.cat([first, x], dim=1))

    def image(self, pixels, places):
        """-> embedding of the image [batch, E]; patches by value-value attention and plain, [batch, patches, E] each; all of
        unit length."""
        x = self.tokens(pixels, places)
        for block in self.vision[:-1]:
            x = block(x)
        x, values = self.vision[-1](x, with_values=True)
        joint = lambda t: nn.functional.normalize(self.vision_projection(self.ln_post(t)), dim=-1)
        return joint(x[:, 0]), joint(values[:, 1:]), joint(x[:, 1:])

    def embed_texts(self, ids):
        """ids [batch, tokens], zero after the end token, which has the largest id -> [batch, E] of unit length."""
        n = ids.shape[1]
        mask = torch.full((n, n), -math.inf).triu(1)
        x = self.token_embedding(ids) + self.text_positions[:n]
        for block in self.text:
            x = block(x, mask)
        last = self.ln_final(x)[torch.arange(len(ids)), ids.argmax(-1)]
        return nn.functional.normalize(self.text_projection(last), dim=-1)


def named_for_export(model):
    """The weights under the names and shapes of Hugging Face's CLIPModel."""
    out = {}

    def put(name, module):
        out[name + ".weight"] = module.weight
        if module.bias is not None:
            out[name + ".bias"] = module.bias

    def put_blocks(prefix, blocks):
        for i, block in enumerate(blocks):
            b = f"{prefix}.encoder.layers.{i}."
            for part, w, bias in zip("qkv", block.qkv.weight.chunk(3), block.qkv.bias.chunk(3)):
                out[f"{b}self_attn.{part}_proj.weight"], out[f"{b}self_attn.{part}_proj.bias"] = w, bias
            put(b + "self_attn.out_proj", block.out)
            put(b + "layer_norm1", block.ln_1)
            put(b + "layer_norm2", block.ln_2)
            put(b + "mlp.fc1", block.mlp_in)
            put(b + "mlp.fc2", block.mlp_out)

    out["vision_model.embeddings.class_embedding"] = model.class_embedding
    out["vision_model.embeddings.position_embedding.weight"] = model.positions
    put("vision_model.embeddings.patch_embedding", model.patch_embedding)
    put("vision_model.pre_layrnorm", model.ln_pre)
    put("vision_model.post_layernorm", model.ln_post)
    put_blocks("vision_model", model.vision)
    put("visual_projection", model.vision_projection)
    out["text_model.embeddings.token_embedding.weight"] = model.token_embedding.weight
    out["text_model.embeddings.position_embedding.weight"] = model.text_positions
    put_blocks("text_model", model.text)
    put("text_model.final_layer_norm", model.ln_final)
    put("text_projection", model.text_projection)
    out["logit_scale"] = model.logit_scale
    return {name: tensor.detach().contiguous() for name, tensor in out.items()}


def config(vocabulary):
    """config.json of Hugging Face's CLIPModel for these weights."""
    common = dict(hidden_act="quick_gelu", layer_norm_eps=1e-5)
    return dict(model_type="clip", projection_dim=EMBED,
                vision_config=dict(common, hidden_size=VISION["width"], intermediate_size=4 * VISION["width"],
                                   num_hidden_layers=VISION["layers"], num_attention_heads=VISION["heads"],
                                   image_size=VISION["resolution"], patch_size=VISION["patch"], projection_dim=EMBED),
                text_config=dict(common, hidden_size=TEXT["width"], intermediate_size=4 * TEXT["width"],
                                 num_hidden_layers=TEXT["layers"], num_attention_heads=TEXT["heads"],
                                 max_position_embeddings=TEXT["context"], vocab_size=vocabulary, projection_dim=EMBED,
                                 bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1))
