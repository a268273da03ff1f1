#!/usr/bin/env python3
"""lake convert on the containers and names beyond one safetensors file: folders, shards, GGUF, DINOv2, LayerScale; memory and
kill -9 while it runs.

GGUF files are written here from its specification alone (ggml, docs/gguf.md). One model in any container must become the same
bytes. Needs numpy.
"""
import hashlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "golden"))
LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
SHARED = HERE.parent.parent / "shared"


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


try:
    import numpy as np
    import make_checkpoints as make
except ImportError as error:
    print(f"skip checkpoints: {error}")
    sys.exit(0)

TEMPORARY = tempfile.TemporaryDirectory()
GOOD = make.openai()
OPTIONS = ("--activation", "quick_gelu", "--eps", "1e-5", "--heads", "2", "--text-heads", "1", "--mean", "0.5,0.25,0.75", "--std", "1,2,4")


def folder(name):
    path = os.path.join(TEMPORARY.name, name)
    os.makedirs(path)
    return path


def write(path, data):
    with open(path, "wb") as f:
        f.write(data.encode() if isinstance(data, str) else data)
    return path


def run(*arguments):
    return subprocess.run([LAKE, "convert", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)


def output(path, *options):
    """The bytes of the .clip file, or the messages."""
    out = os.path.join(path if os.path.isdir(path) else os.path.dirname(path), "result.clip")
    r = run(path, "-o", out, *options)
    return open(out, "rb").read() if r.returncode == 0 else r.stderr


def read(data):
    path = os.path.join(TEMPORARY.name, "read.clip")
    write(path, data)
    return make.read_clip(path)


def same(name, data, expected):
    check(isinstance(data, bytes) and data == expected, name, data[-400:] if isinstance(data, str) else "other bytes")


def refuse(name, path, says, *options):
    out = path.rstrip("/") + ".refused"
    r = run(path, "-o", out, *options)
    last = r.stderr.strip().splitlines()[-1] if r.stderr.strip() else ""
    check(r.returncode == 3 and says in last and not os.path.exists(out), name, f"exit {r.returncode}: {last}, expected {says}")


def reference(tensors=GOOD, options=OPTIONS):
    """What one safetensors file in OpenAI's naming becomes."""
    path = tempfile.mkdtemp(dir=TEMPORARY.name)
    make.vocabulary(path)
    return output(write(os.path.join(path, "model.safetensors"), make.pack(tensors)), *options)


# ---- folders and shards ----

def shards(path, tensors, count=3, change=None):
    """model-0000i-of-0000n.safetensors and the index; change(weight_map) before it is written."""
    names, weight_map = list(tensors), {}
    for i in range(count):
        file = f"model-{i + 1:05}-of-{count:05}.safetensors"
        part = {n: tensors[n] for n in names[i::count]}
        write(os.path.join(path, file), make.pack(part))
        weight_map.update({n: file for n in part})
    if change is not None:
        change(weight_map)
    index = {"metadata": {"total_size": 1}, "weight_map": weight_map}
    return write(os.path.join(path, "model.safetensors.index.json"), json.dumps(index))


def test_shards():
    expected = reference()
    for name, tensors in (("OpenAI", GOOD), ("Hugging Face", make.hf(GOOD))):
        path = folder("shards_" + name)
        make.vocabulary(path)
        index = shards(path, tensors)
        same(f"shards, {name} naming, by their index", output(index, *OPTIONS), expected)
        same(f"shards, {name} naming, by their folder", output(path, *OPTIONS), expected)
        r = run(index, *OPTIONS)
        check(r.stdout.strip() == os.path.join(path, "model.safetensors.clip") or r.stdout.strip() == os.path.join(path, "model.clip"), "name of the output of an index", r.stdout)
    bad = {"parent": (lambda m: m.update(logit_scale="../x.safetensors"), "paths are refused"), "absolute": (lambda m: m.update(logit_scale="/etc/passwd"), "paths are refused"),
           "backslash": (lambda m: m.update(logit_scale="..\\x"), "paths are refused"), "dots": (lambda m: m.update(logit_scale=".."), "paths are refused"),
           "nul": (lambda m: m.update(logit_scale="a\0b"), "paths are refused"), "empty": (lambda m: m.update(logit_scale=""), "paths are refused"),
           "number": (lambda m: m.update(logit_scale=3), "paths are refused"), "missing file": (lambda m: m.update(logit_scale="other.safetensors"), "is missing: download it too"),
           "other file": (lambda m: m.update({"visual.proj": m["logit_scale"] if m["logit_scale"] != m["visual.proj"] else m["visual.conv1.weight"]}), "do not belong together"),
           "missing tensor": (lambda m: m.update(nothing=m["visual.proj"]), "tensor nothing is not in"), "itself": (lambda m: m.update(logit_scale="model.safetensors.index.json"), "is JSON text"),
           "too many": (lambda m: m.update({f"t{i}": f"f{i}" for i in range(1100)}), "at most 1024"), "nothing": (lambda m: m.clear(), "is JSON text")}
    for name, (change, says) in bad.items():
        path = folder("bad_shards_" + name)
        refuse(f"index: {name}", shards(path, GOOD, change=change), says, *OPTIONS)
    path = folder("cut_shard")
    index = shards(path, GOOD)
    shard = os.path.join(path, "model-00002-of-00003.safetensors")
    write(shard, open(shard, "rb").read()[:-4])
    refuse("index: a shard cut off", index, "model-00002-of-00003.safetensors: cut off", *OPTIONS)
    path = folder("twice")
    index = shards(path, GOOD)
    write(os.path.join(path, "model-00002-of-00003.safetensors"), make.pack(GOOD))
    refuse("index: a tensor in two shards", index, "two tensors named", *OPTIONS)


def test_folders():
    path = folder("hf")
    make.vocabulary(path)
    write(os.path.join(path, "model.safetensors"), make.pack(make.hf(GOOD)))
    write(os.path.join(path, "config.json"), json.dumps(make.hf_config()))
    write(os.path.join(path, "preprocessor_config.json"), json.dumps({"image_mean": [0.25, 0.5, 0.75], "image_std": [1, 2, 4]}))
    r = run(path)
    out = os.path.join(path, "model.clip")
    check(r.returncode == 0 and r.stdout.strip() == out and "guessed" not in r.stderr, "a Hugging Face folder", r.stderr)
    if r.returncode == 0:
        config = make.read_clip(out)[0]
        check((config["vision.activation"], config["vision.heads"], config["std"]) == (1, 4, (1, 2, 4)), "its config.json", str(config))
    try:
        import torch
    except ImportError as error:
        print(f"skip a folder of PyTorch files: {error}")
    else:
        tensors = {k: torch.from_numpy(np.array(v)) for k, v in make.hf(GOOD).items()}
        path = folder("pytorch")
        make.vocabulary(path)
        torch.save(tensors, os.path.join(path, "pytorch_model.bin"))
        same("a folder with pytorch_model.bin", output(path, *OPTIONS), reference())
        os.remove(os.path.join(path, "pytorch_model.bin"))
        names = list(tensors)
        for i in range(2):
            torch.save({n: tensors[n] for n in names[i::2]}, os.path.join(path, f"pytorch_model-{i}.bin"))
        index = {"weight_map": {n: f"pytorch_model-{i % 2}.bin" for i, n in enumerate(names)}}
        write(os.path.join(path, "pytorch_model.bin.index.json"), json.dumps(index))
        same("a folder with shards of pytorch_model.bin", output(path, *OPTIONS), reference())
    refuse("a folder without a checkpoint", folder("empty"), "is a folder without a checkpoint")


# ---- GGUF ----

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
TYPES = {"f32": 0, "f16": 1, "q8_0": 8, "bf16": 30}


def q8_0(array):
    """(bytes, what they stand for): blocks of 32 numbers, an f16 factor and 32 signed bytes."""
    blocks = np.ascontiguousarray(array, np.float32).reshape(-1, 32)
    scale = (np.abs(blocks).max(1) / 127).astype(np.float16)
    divisor = np.where(scale == 0, 1, scale).astype(np.float32)
    numbers = np.clip(np.rint(blocks / divisor[:, None]), -127, 127).astype(np.int8)
    data = b"".join(s.tobytes() + n.tobytes() for s, n in zip(scale, numbers))
    return data, (scale.astype(np.float32)[:, None] * numbers.astype(np.float32)).reshape(np.shape(array))


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def value(v):
    """Type and bytes of a value: bool, int, float, str, a list of these, or (type, bytes) as they are."""
    if isinstance(v, tuple):
        return v
    if isinstance(v, bool):
        return BOOL, struct.pack("<B", v)
    if isinstance(v, int):
        return U32, struct.pack("<I", v)
    if isinstance(v, float):
        return F32, struct.pack("<f", v)
    if isinstance(v, str):
        return STRING, string(v)
    return ARRAY, struct.pack("<IQ", value(v[0])[0], len(v)) + b"".join(value(x)[1] for x in v)


def gguf(values, tensors, version=3, alignment=32):
    """tensors: name -> (type, array)"""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    for key, v in values.items():
        kind, data = value(v)
        out += string(key) + struct.pack("<I", kind) + data
    blob = b""
    for name, (kind, array) in tensors.items():
        array = np.asarray(array)
        data = q8_0(array)[0] if kind == "q8_0" else make.bf16(array).tobytes() if kind == "bf16" else array.astype({"f32": "<f4", "f16": "<f2"}[kind]).tobytes()
        out += string(name) + struct.pack(f"<I{array.ndim}QIQ", array.ndim, *reversed(array.shape), TYPES[kind], len(blob))
        blob += data + bytes(-len(data) % alignment)
    return out + bytes(-len(out) % alignment) + blob


def clip_cpp_name(name):
    """models/convert_hf_to_gguf.py, get_tensor_name."""
    if "projection" in name:
        return name
    for old, new in (("text_model", "t"), ("vision_model", "v"), ("encoder.layers", "blk"), ("embeddings.", ""), ("_proj", ""), ("self_attn.", "attn_"),
                     ("layer_norm", "ln"), ("layernorm", "ln"), ("mlp.fc1", "ffn_down"), ("mlp.fc2", "ffn_up"), ("embedding", "embd"), ("final", "post"), ("layrnorm", "ln")):
        name = name.replace(old, new)
    return name


VALUES = {"general.architecture": "clip", "clip.has_text_encoder": True, "clip.has_vision_encoder": True, "clip.has_llava_projector": False, "general.file_type": 1,
          "clip.text.context_length": 16, "clip.text.attention.head_count": 1, "clip.text.attention.layer_norm_epsilon": 1e-5,
          "clip.vision.attention.head_count": 2, "clip.vision.attention.layer_norm_epsilon": 1e-5,
          "clip.vision.image_mean": [0.5, 0.25, 0.75], "clip.vision.image_std": [1.0, 2.0, 4.0], "clip.use_gelu": False}


def tokens(path):
    with open(make.vocabulary(path)) as f:
        ids = json.load(f)
    return sorted(ids, key=ids.get)


def clip_cpp(kind=lambda name, array: "f32", swapped=False):
    tensors = {clip_cpp_name(k): v for k, v in make.hf(GOOD).items() if k != "logit_scale" and "position_ids" not in k}
    if swapped:
        tensors = {k.replace("ffn_up", "ffn_x").replace("ffn_down", "ffn_up").replace("ffn_x", "ffn_down"): v for k, v in tensors.items()}
    return {k: (kind(k, v), v) for k, v in tensors.items()}


def test_gguf():
    path = folder("gguf")
    names = tokens(path)
    os.remove(os.path.join(path, "vocab.json"))
    os.remove(os.path.join(path, "merges.txt"))
    own = {**VALUES, "tokenizer.ggml.tokens": names}
    hundred = {**GOOD, "logit_scale": np.float32(4.6051702)}
    expected = reference(hundred)
    file = os.path.join(path, "clip.gguf")
    same("GGUF, f32, its own tokens", output(write(file, gguf(own, clip_cpp()))), expected)
    r = run(file)
    check(r.returncode == 0 and r.stderr.count("guessed") == 1 and "logit_scale" in r.stderr, "GGUF: the logit scale alone is guessed", r.stderr)
    same("GGUF version 2", output(write(file, gguf(own, clip_cpp(), version=2))), expected)
    aligned = gguf({**own, "general.alignment": 64}, clip_cpp(), alignment=64)
    same("GGUF aligned to 64", output(write(file, aligned)), expected)
    same("GGUF with ffn_up and ffn_down as they are named", output(write(file, gguf(own, clip_cpp(swapped=True)))), expected)
    merges = [a + " " + b for a in "etaoinshrdlu" for b in "etaoinshrdlu"][:86]
    same("GGUF with merges", output(write(file, gguf({**own, "tokenizer.ggml.merges": merges}, clip_cpp()))), expected)
    path = folder("gguf_beside")
    make.vocabulary(path)
    file = os.path.join(path, "clip.gguf")
    same("GGUF, vocabulary beside it", output(write(file, gguf(VALUES, clip_cpp()))), expected)
    same("GGUF as a vocabulary", output(write(os.path.join(path, "a.safetensors"), make.pack(hundred)), *OPTIONS, "--vocab",
                                       write(os.path.join(path, "v.gguf"), gguf(own, clip_cpp()))), expected)
    narrow = lambda name, array: "f16" if np.ndim(array) in (2, 4) else "f32"
    half = {k: v.astype(np.float16).astype(np.float32) if np.ndim(v) in (2, 4) else v for k, v in hundred.items()}
    same("GGUF, f16", output(write(file, gguf(VALUES, clip_cpp(narrow)))), reference(half))
    brain = {k: (make.bf16(v).astype(np.uint32) << 16).view(np.float32) if np.ndim(v) == 2 else v for k, v in hundred.items()}
    same("GGUF, bf16", output(write(file, gguf(VALUES, clip_cpp(lambda n, a: "bf16" if np.ndim(a) == 2 else "f32")))), reference(brain))
    eighth = lambda name, array: "q8_0" if np.ndim(array) == 2 and array.shape[1] % 32 == 0 else narrow(name, array)
    tensors = clip_cpp(eighth)
    data = output(write(file, gguf(VALUES, tensors)))
    if isinstance(data, bytes):
        found = read(data)[1]
        block = "v.blk.1."
        quantised = np.concatenate([q8_0(tensors[f"{block}attn_{x}.weight"][1])[1] for x in "qkv"])
        check(np.array_equal(found["vision.blocks.1.qkv.weight"], quantised) and np.array_equal(found["vision.blocks.1.mlp_in.weight"], q8_0(tensors[block + "ffn_down.weight"][1])[1]) and
              np.array_equal(found["text.tokens.weight"], q8_0(tensors["t.token_embd.weight"][1])[1]), "GGUF, q8_0", "other numbers")
    else:
        check(False, "GGUF, q8_0", data)
    test_bad_gguf(file)


def test_bad_gguf(file):
    good = gguf(VALUES, clip_cpp())
    changed = lambda **values: gguf({**VALUES, **{k.replace("__", "."): v for k, v in values.items()}}, clip_cpp())
    other_type = good.replace(string("visual_projection.weight") + struct.pack("<IQQI", 2, 128, 48, 0), string("visual_projection.weight") + struct.pack("<IQQI", 2, 128, 48, 2))
    offset = good.index(string("v.class_embd")) + len(string("v.class_embd")) + 4 + 8 + 4
    bad = {"version 1": (good[:4] + b"\1" + good[5:], "version 1, only 2 and 3"), "big-endian": (good[:4] + b"\0\0\0\3" + good[8:], "big-endian numbers"),
           "short": (good[:20], "20 bytes, expected 24"), "cut off in the keys": (gguf(VALUES, {})[:300], "cut off or damaged in its keys"),
           "cut off in the data": (good[:-3000], "reach beyond their end"), "keys without end": (good[:16] + struct.pack("<Q", 1 << 60) + good[24:], "more keys or tensors than"),
           "tensors without end": (good[:8] + struct.pack("<Q", 1 << 40) + good[16:], "more keys or tensors than"), "one tensor more": (good[:8] + struct.pack("<Q", 1 + len(clip_cpp())) + good[16:], "cut off or damaged in its list of tensors"),
           "architecture": (changed(general__architecture="llama"), 'of architecture "llama", expected "clip"'), "llava": (changed(clip__has_llava_projector=True), "LLaVA"),
           "silu": (changed(clip__use_silu=True), "SiLU"), "alignment 12": (changed(general__alignment=12), "no multiple of 8"), "alignment 0": (changed(general__alignment=0), "expected a number from 8"),
           "two means": (changed(clip__vision__image_mean=[0.5, 0.5]), "expected three numbers"), "mean a text": (changed(clip__vision__image_mean="x"), "expected three numbers"),
           "gelu a text": (changed(clip__use_gelu="yes"), "clip.use_gelu: expected a number"), "heads -1": (changed(clip__vision__attention__head_count=(5, struct.pack("<i", -1))), "head_count: expected a number"),
           "type 13": (changed(x=(13, b"")), "unknown type 13"), "array of arrays": (changed(x=(9, struct.pack("<IQIQ", 9, 1, 4, 0))), "unknown type 9"),
           "array without end": (changed(x=(9, struct.pack("<IQ", 10, 1 << 61))), "cut off or damaged in its keys"), "texts without end": (changed(x=(9, struct.pack("<IQ", 8, 1 << 62))), "cut off or damaged in its keys"),
           "text without end": (changed(x=(8, struct.pack("<Q", (1 << 64) - 1))), "cut off or damaged in its keys"), "key twice": (changed(a__a=1, a__b=2).replace(string("a.b"), string("a.a")), "two keys named a.a"),
           "Q4_0": (other_type, "has type Q4_0"), "offset 4": (good[:offset] + struct.pack("<Q", 4) + good[offset + 8:], "no multiple of 32"),
           "offset without end": (good[:offset] + struct.pack("<Q", (1 << 64) - 32) + good[offset + 8:], "cut off or damaged in its list of tensors")}
    for name, (data, says) in bad.items():
        refuse(f"GGUF: {name}", write(file, data), says)
    names = make.byte_characters()
    names += [n + "</w>" for n in names] + ["tha", "<|startoftext|>", "<|endoftext|>"]
    write(file, gguf({**VALUES, "tokenizer.ggml.tokens": names}, clip_cpp()))
    refuse("GGUF: tokens that no merges make", file, 'they do not follow from token 512, "tha"')
    write(file, gguf({**VALUES, "tokenizer.ggml.tokens": [1, 2]}, clip_cpp()))
    refuse("GGUF: tokens that are numbers", file, "expected a list of at most")


def test_openai_vocabulary():
    """All merges of the published vocabulary follow from its tokens."""
    source = SHARED / "data" / "bpe_simple_vocab_16e6.txt.gz"
    if not source.exists():
        return print(f"skip OpenAI's merges: {source} is absent")
    import gzip
    lines = gzip.open(source, "rt", encoding="utf-8").read().split("\n")[1:49152 - 256 - 2 + 1]
    symbols = make.byte_characters()
    names = symbols + [s + "</w>" for s in symbols] + [line.replace(" ", "") for line in lines] + ["<|startoftext|>", "<|endoftext|>"]
    large = {**GOOD, "token_embedding.weight": np.zeros((len(names), 64), np.float32)}
    path = folder("openai_vocabulary")
    model = write(os.path.join(path, "model.safetensors"), make.pack(large))
    own = write(os.path.join(path, "tokens.gguf"), gguf({**VALUES, "tokenizer.ggml.tokens": names}, {}))
    begin = time.time()
    found = output(model, *OPTIONS, "--vocab", own)
    print(f"# merges of {len(names)} tokens derived in {time.time() - begin:.1f} s")
    same("OpenAI's merges from its tokens", found, output(model, *OPTIONS, "--vocab", source))


# ---- OpenAI's own files ----

def test_known():
    data = make.pack(GOOD)
    path = folder("known")
    make.vocabulary(path)
    r = run(write(os.path.join(path, "ViT-B-16.pt"), data))
    digest = hashlib.sha256(data).hexdigest()
    warning = [line for line in r.stderr.splitlines() if "WARNING" in line]
    check(r.returncode == 0 and len(warning) == 1 and digest in warning[0] and "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f" in warning[0],
          "another file under OpenAI's name is warned of", r.stderr)
    r = run(write(os.path.join(path, "other.pt"), data))
    check(r.returncode == 0 and "SHA" not in r.stderr, "other names are not checked", r.stderr)


# ---- more names and shapes ----

def test_open_clip():
    custom = {k if k.startswith("visual.") or k == "logit_scale" else "text." + k: v for k, v in GOOD.items()}
    linear = {k: v for k, v in custom.items() if k != "text.text_projection"}
    linear["text.text_projection.weight"] = GOOD["text_projection"].T
    for name, tensors in (("text.", custom), ("a linear text projection", linear), ("module.", {"module." + k: v for k, v in custom.items()}),
                          ("torch.compile", {"_orig_mod." + k: v for k, v in custom.items()}), ("torch.compile in module.", {"module._orig_mod." + k: v for k, v in custom.items()})):
        path = folder("open_clip_" + name)
        make.vocabulary(path)
        same(f"open_clip: {name}", output(write(os.path.join(path, "open_clip_model.safetensors"), make.pack(tensors)), *OPTIONS), reference())
    path = write(os.path.join(folder("open_clip_bias"), "x.safetensors"), make.pack({**linear, "text.text_projection.bias": np.zeros(48, np.float32)}))
    refuse("open_clip: a text projection with a bias", path, "text projection has a bias")
    one = np.zeros(1, np.float32)
    for name, tensor, says in (("CoCa", "visual.attn_pool.query", "pools by attention (CoCa)"), ("ConvNeXt", "visual.trunk.stem.0.weight", "image tower is timm's"),
                               ("EVA-CLIP", "visual.patch_embed.proj.weight", "an EVA-CLIP"), ("SigLIP", "visual.trunk.patch_embed.proj.weight", "image tower is timm's")):
        tensors = {**GOOD, tensor: one} if name == "CoCa" else {"logit_scale": one, tensor: one}
        refuse(f"open_clip: {name}", write(os.path.join(folder("open_clip_" + name), "x.safetensors"), make.pack(tensors)), says)
    # ViT-H/14: heads of 80 channels; ViT-B-16-plus-240: width 896, joint width 640
    for name, shape, head_width, heads in (("ViT-H/14", dict(width=160, patch=14, embed=64), 80, 2), ("ViT-B-16-plus-240", dict(width=896, patch=16, embed=640, grid=15, layers=1), 64, 14)):
        tensors = make.openai(**shape)
        path = folder(name.replace("/", ""))
        make.vocabulary(path)
        vision = {"image_size": shape.get("grid", 3) * shape["patch"], "layers": shape.get("layers", 2), "width": shape["width"], "patch_size": shape["patch"], "head_width": head_width}
        config = {"model_cfg": {"embed_dim": shape["embed"], "vision_cfg": vision, "text_cfg": {"context_length": 16, "vocab_size": 600, "width": 64, "heads": 4, "layers": 1}}}
        write(os.path.join(path, "open_clip_config.json"), json.dumps(config))
        write(os.path.join(path, "open_clip_model.safetensors"), make.pack(tensors))
        data = output(path)
        c = read(data)[0] if isinstance(data, bytes) else {}
        check(c and (c["vision.heads"], c["vision.width"], c["embed"], c["vision.activation"]) == (heads, shape["width"], shape["embed"], 1), name, str(c or data))


def test_head_widths():
    """Without a configuration, ViT-H is told by its width."""
    path = folder("head_width")
    make.vocabulary(path)
    write(os.path.join(path, "model.safetensors"), make.pack(make.openai(width=1280, layers=1, patch=2, embed=8)))
    data = output(path)
    check(isinstance(data, bytes) and read(data)[0]["vision.heads"] == 16, "ViT-H has 16 heads", "")


def scaled(tensors, gammas):
    """Our tensors with LayerScale multiplied in: float32 products, as the program computes them."""
    out = dict(tensors)
    for (block, place), gamma in gammas.items():
        for part in ("weight", "bias"):
            k = f"vision.blocks.{block}.{place}.{part}"
            out[k] = out[k] * (gamma[:, None] if part == "weight" else gamma)
    return out


def test_layer_scale():
    rng = np.random.default_rng(3)
    gammas = {(b, p): rng.normal(0, 1, 128).astype(np.float32) for b in (0, 1) for p in ("attn_out", "mlp_out")}
    vision = make.timm(GOOD)
    expected = {k: v for k, v in make.ours(GOOD).items() if k.startswith("vision.") and "ln_pre" not in k and "projection" not in k}
    expected["vision.patch.bias"] = vision["patch_embed.proj.bias"]
    expected = scaled(expected, gammas)
    own = {**vision, "mask_token": np.zeros((1, 128), np.float32)}
    for (b, p), gamma in gammas.items():
        own[f"blocks.{b}.ls{1 if p == 'attn_out' else 2}.gamma"] = gamma
    hf = {}
    for k, v in own.items():
        if k.startswith("head."):
            continue
        for old, new in (("patch_embed.proj", "embeddings.patch_embeddings.projection"), ("cls_token", "embeddings.cls_token"), ("pos_embed", "embeddings.position_embeddings"), ("mask_token", "embeddings.mask_token"),
                         ("blocks.", "encoder.layer."), ("attn.proj", "attention.output.dense"), ("ls1.gamma", "layer_scale1.lambda1"), ("ls2.gamma", "layer_scale2.lambda1")):
            k = k.replace(old, new) if k.startswith(old) or "." + old in k else k
        if k in ("norm.weight", "norm.bias"):
            k = "layer" + k
        if "attn.qkv" in k:
            for word, rows in zip(("query", "key", "value"), np.split(v, 3)):
                hf[k.replace("attn.qkv", "attention.attention." + word)] = rows
        else:
            hf[k] = v
    config = {"model_type": "dinov2", "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "patch_size": 8, "image_size": 24}
    for name, tensors, configs in (("DINOv2's own naming", own, None), ("DINOv2 in Hugging Face's naming", hf, config), ("with dinov2. in front", {"dinov2." + k: v for k, v in hf.items()}, None),
                                   ("with backbone. in front", {"backbone." + k: v for k, v in own.items()}, None)):
        path = folder(name)
        write(os.path.join(path, "model.safetensors"), make.pack(tensors))
        if configs:
            write(os.path.join(path, "config.json"), json.dumps(configs))
        data = output(path)
        if not isinstance(data, bytes):
            check(False, name, data)
            continue
        c, found = read(data)[:2]
        wrong = [k for k in expected if k not in found or not np.array_equal(found[k], expected[k])]
        check(not wrong and set(found) == set(expected), name, f"{wrong} {set(found) ^ set(expected)}")
        check((c["vision.activation"], c["vision.heads"], c["flags"]) == (1, 4 if configs else 2, 2) and abs(c["vision.eps"] - 1e-6) < 1e-12 and
              np.allclose(c["mean"], (0.485, 0.456, 0.406), atol=1e-7) and np.allclose(c["std"], (0.229, 0.224, 0.225), atol=1e-7), f"configuration: {name}", str(c))
    four = np.zeros((1, 4, 128), np.float32)
    for name, tensors, says in (("registers of a classifier", {"dinov2_with_registers." + k: v for k, v in {**hf, "embeddings.register_tokens": four}.items()}, "register tokens"),
                                ("DINOv3", {**own, "storage_tokens": four}, "a DINOv3"), ("DINOv3, Hugging Face", {"embeddings.patch_embeddings.weight": four, "embeddings.register_tokens": four}, "a DINOv3"),
                                ("a ViT of Hugging Face", {"vit.encoder.layer.0.layernorm_before.weight": four}, "in Hugging Face's naming"),
                                ("registers", {**own, "register_tokens": np.zeros((1, 4, 128), np.float32)}, "register tokens"), ("registers, Hugging Face", {**hf, "embeddings.register_tokens": np.zeros((1, 4, 128), np.float32)}, "register tokens"),
                                ("SwiGLU", {**own, "blocks.0.mlp.w12.weight": np.zeros(4, np.float32)}, "SwiGLU"), ("SwiGLU, Hugging Face", {**hf, "encoder.layer.0.mlp.weights_in.weight": np.zeros(4, np.float32)}, "SwiGLU"),
                                ("a scale missing", {k: v for k, v in own.items() if k != "blocks.1.ls2.gamma"}, "LayerScale is part of some blocks"), ("a scale of another length", {**own, "blocks.1.ls2.gamma": np.zeros(4, np.float32)}, "has shape [4], expected [128]")):
        path = write(os.path.join(folder("dino_" + name), "x.safetensors"), make.pack(tensors))
        refuse(f"DINOv2: {name}", path, says)


# ---- memory, and an end in the middle ----

def large_checkpoint(path, megabytes):
    """Shards of an OpenAI model of about this size, zeros that take no room on disk."""
    layers = max(2, megabytes // 50)
    shape = {k: np.shape(v) for k, v in make.openai(width=64, layers=layers, patch=8, embed=32, text_width=64).items()}
    table, at = {}, 0
    for k, s in shape.items():
        s = [16 * d if k.startswith("visual.") and d % 64 == 0 else d for d in s]
        size = 4 * int(np.prod(s, dtype=np.int64))
        table[k] = {"dtype": "F32", "shape": s, "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(table).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header)
        f.truncate(8 + len(header) + at)
    return at


def peak_memory(pid):
    """Megabytes that a process held at most, mapped pages included; 0 where the system does not tell. The peak that wait4
    tells would be this program's own, which the child inherits."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return next((int(line.split()[1]) >> 10 for line in f if line.startswith("VmHWM") and "lake" in open(f"/proc/{pid}/comm").read()), 0)
    except OSError:
        return 0


def test_streaming():
    path = folder("large")
    make.vocabulary(path)
    file = os.path.join(path, "large.safetensors")
    megabytes = int(os.environ.get("LAKE_TEST_MEGABYTES", "300"))
    size = large_checkpoint(file, megabytes)
    out = os.path.join(path, "large.clip")
    most = 0
    with subprocess.Popen([LAKE, "convert", file, "-o", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, peak_memory(process.pid))
            time.sleep(0.002)
    print(f"# {size >> 20} MB converted with {most} MB of memory")
    if most == 0:
        print("skip memory of a conversion: no /proc")
    else:
        check(process.returncode == 0 and most < 200, f"{size >> 20} MB convert with less than 200 MB of memory", f"{most} MB, exit {process.returncode}")
    write(out, b"the old file")
    for wait in (0.02, 0.1, 0.2):
        with subprocess.Popen([LAKE, "convert", file, "-o", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        kept = open(out, "rb").read(100)
        check(process.returncode == 0 or kept == b"the old file", f"killed after {wait} s: the old output is whole", kept)


def main():
    for test in (test_shards, test_folders, test_gguf, test_openai_vocabulary, test_known, test_open_clip, test_head_widths, test_layer_scale, test_streaming):
        test()


if __name__ == "__main__":
    main()
