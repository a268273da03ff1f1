#!/usr/bin/env python3
"""lake convert on PyTorch's archives, written by torch.save and torch.jit themselves: state dicts in every wrapper, views,
half precision, TorchScript as OpenAI publishes it; damaged archives, and pickles that would run something.

A converted archive must be byte for byte what the safetensors file of the same weights gives (test_convert.py checks that
against the format). Needs numpy and torch.
"""
import collections
import io
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "golden"))
LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


try:
    import numpy as np
    import torch
    from torch import nn

    import make_checkpoints as make
except ImportError as error:
    print(f"skip PyTorch's archives: {error}")
    sys.exit(0)

TEMPORARY = tempfile.TemporaryDirectory()
FOLDER = TEMPORARY.name
GOOD = make.openai(width=64, layers=2, embed=24, text_width=64, text_layers=1)
STATE = {k: torch.from_numpy(np.array(v)) for k, v in GOOD.items()}
VOCABULARY = make.vocabulary(FOLDER)
NUMBERED = iter(range(10 ** 9))


def convert(data, *options):
    """The converted file's bytes, or None, and the exit code and what was said."""
    path = os.path.join(FOLDER, f"{next(NUMBERED)}.pt")
    with open(path, "wb") as f:
        f.write(data)
    r = subprocess.run([LAKE, "convert", path, "-o", path + ".clip", "--vocab", VOCABULARY, *options], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, timeout=120)
    converted = None
    if os.path.exists(path + ".clip"):
        with open(path + ".clip", "rb") as f:
            converted = f.read()
        os.remove(path + ".clip")
    os.remove(path)
    return converted, r.returncode, r.stderr.strip()


def reference(tensors, *options):
    """What the safetensors file of these arrays gives."""
    converted, code, said = convert(make.pack(tensors), *options)
    assert converted is not None, (code, said)
    return converted


def same(name, data, expected, *options):
    converted, code, said = convert(data, *options)
    check(code == 0 and converted == expected, name, f"exit {code}, {said[-300:]}; {'other bytes' if converted else 'no file'}")


def refuse(name, data, says):
    converted, code, said = convert(data)
    last = said.splitlines()[-1] if said else ""
    check(code == 3 and says in last and converted is None, name, f"exit {code}, expected 3; \"{last}\", expected \"{says}\"")


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


# ---- state dicts ----

def test_state_dicts():
    expected = reference(GOOD)
    same("a state dict", saved(STATE), expected)
    same("an ordered state dict with metadata", saved(model().state_dict()), expected)
    for protocol in (2, 3, 4, 5):
        same(f"pickle protocol {protocol}", saved(STATE, pickle_protocol=protocol), expected)
    same("module. in front", saved({"module." + k: v for k, v in STATE.items()}), expected)
    same("parameters", saved({k: nn.Parameter(v) for k, v in STATE.items()}), expected)
    optimiser = {"state": {0: {"step": 5, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999), "params": [0]}]}
    others = {"epoch": 3, "best": torch.tensor(0.5), "seed": 2 ** 70, "minus": -(2 ** 40), "seen": {1, 2}, "frozen": frozenset([1]),
              "size": torch.Size([1, 2]), "type": torch.float16, "device": torch.device("cpu"), "measure": np.float64(0.25),
              "counts": collections.Counter("abc"), "bytes": b"\xff\x00", "none": None, "on": True}
    for key in ("state_dict", "model", "model_state_dict"):
        same(f"inside {key}", saved({**others, "optimizer": optimiser, key: STATE}), expected)
    same("inside model inside state_dict", saved({"state_dict": {"model": STATE}}), expected)
    refuse("no tensors", saved({"epoch": 3, "history": [1, 2]}), "no tensors where a checkpoint has them (names looked at: epoch, history)")
    refuse("a list of tensors", saved(list(STATE.values())), "no tensors where a checkpoint has them (names looked at: none)")
    refuse("a tensor is missing", saved({k: v for k, v in STATE.items() if k != "visual.ln_post.bias"}), "tensor visual.ln_post.bias is missing")
    refuse("a tensor of whole numbers", saved({**STATE, "visual.proj": STATE["visual.proj"].long()}), "tensor visual.proj has type I64")


def test_types():
    arrays = {"f16": lambda v: v.astype(np.float16), "f64": lambda v: v.astype(np.float64) * (1 + 1e-12), "bf16": make.bf16}
    kinds = {"f16": torch.float16, "f64": torch.float64, "bf16": torch.bfloat16}
    for name, kind in kinds.items():
        source = {k: arrays[name](np.asarray(v)) for k, v in GOOD.items()}
        tensors = {k: torch.from_numpy(np.array(v)) if name != "bf16" else STATE[k].to(kind) for k, v in source.items()}
        same(f"type {name}", saved(tensors), reference(source))
        same(f"type {name} to bf16", saved(tensors), reference(source, "--dtype", "bf16"), "--dtype", "bf16")
    matrices = {k for k, v in GOOD.items() if v.ndim >= 2}
    source = {k: v.astype(np.float16) if k in matrices else v for k, v in GOOD.items()}
    same("mixed types", saved({k: v.half() if k in matrices else v for k, v in STATE.items()}), reference(source))


def test_views():
    expected = reference(GOOD)
    same("transposed", saved({k: v.t().contiguous().t() if v.dim() == 2 else v for k, v in STATE.items()}), expected)
    same("permuted", saved({k: v.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0) if v.dim() == 4 else v for k, v in STATE.items()}), expected)
    same("channels last", saved({k: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v for k, v in STATE.items()}), expected)
    everything, at, shared = torch.cat([v.reshape(-1) for v in STATE.values()]), 0, {}
    for k, v in STATE.items():
        shared[k] = everything[at:at + v.numel()].view(v.shape)
        at += v.numel()
    same("one storage for all", saved(shared), expected)
    steps = {}
    for k, v in STATE.items():
        wide = torch.full((*v.shape, 3), 7.0)
        wide[..., 1] = v
        steps[k] = wide[..., 1]
    same("every third number", saved(steps), expected)
    equal = {**GOOD, "visual.class_embedding": np.full_like(GOOD["visual.class_embedding"], 0.25)}
    same("one number expanded", saved({**STATE, "visual.class_embedding": torch.tensor(0.25).expand(64)}), reference(equal))
    tied = {**GOOD, "visual.ln_post.weight": GOOD["visual.ln_pre.weight"]}
    same("tied tensors", saved({**STATE, "visual.ln_post.weight": STATE["visual.ln_pre.weight"]}), reference(tied))
    turned = {**STATE, "visual.proj": STATE["visual.proj"].t().contiguous().t().half()}
    half = {**GOOD, "visual.proj": GOOD["visual.proj"].astype(np.float16)}
    same("transposed, in half precision", saved(turned), reference(half, "--dtype", "f16"), "--dtype", "f16")


# ---- TorchScript ----

class Block(nn.Module):
    """A residual block with OpenAI's names."""

    def __init__(self, width):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(collections.OrderedDict([("c_fc", nn.Linear(width, 4 * width)), ("gelu", nn.GELU()), ("c_proj", nn.Linear(4 * width, width))]))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width, layers):
        super().__init__()
        self.width, self.layers = width, layers
        self.resblocks = nn.Sequential(*[Block(width) for _ in range(layers)])

    def forward(self, x):
        return self.resblocks(x)


class Vision(nn.Module):
    def __init__(self, width, layers, patch, grid, embed):
        super().__init__()
        self.input_resolution = patch * grid
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + grid * grid, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = Transformer(width, layers)
        self.proj = nn.Parameter(torch.zeros(width, embed))

    def forward(self, x):
        x = self.conv1(x).flatten(2).permute(0, 2, 1)
        x = torch.cat([self.class_embedding + torch.zeros_like(x[:, :1]), x], 1) + self.positional_embedding
        x = self.transformer(self.ln_pre(x).permute(1, 0, 2)).permute(1, 0, 2)
        return self.ln_post(x[:, 0]) @ self.proj


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = Vision(64, 2, 8, 3, 24)
        self.transformer = Transformer(64, 1)
        self.token_embedding = nn.Embedding(600, 64)
        self.positional_embedding = nn.Parameter(torch.zeros(16, 64))
        self.ln_final = nn.LayerNorm(64)
        self.text_projection = nn.Parameter(torch.zeros(64, 24))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, image, text):
        x = self.token_embedding(text) + self.positional_embedding
        x = self.ln_final(self.transformer(x.permute(1, 0, 2)).permute(1, 0, 2))
        x = x[:, -1] @ self.text_projection
        return self.logit_scale.exp() * self.visual(image) @ x.t()


def model():
    clip = Clip()
    clip.load_state_dict(STATE)
    return clip.eval()


def script(module):
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return buffer.getvalue()


def test_torchscript():
    expected = reference(GOOD)
    sample = (torch.zeros(1, 3, 24, 24), torch.zeros(1, 16, dtype=torch.long))
    traced = torch.jit.trace(model(), sample)
    same("a traced module", script(traced), expected)
    same("a scripted module", script(torch.jit.script(model())), expected)
    # what OpenAI's convert_weights makes half: everything but norms and embeddings
    halves = {k for k in GOOD if not (".ln_" in k or k.startswith(("ln_", "token_", "positional_", "logit_")) or k.endswith(("class_embedding", "positional_embedding")))}
    clip = model()
    for k, v in clip.named_parameters():
        if k in halves:
            v.data = v.data.half()
    source = {k: v.astype(np.float16) if k in halves else v for k, v in GOOD.items()}
    same("a scripted module in half precision", script(torch.jit.script(clip)), reference(source))
    same("a traced module in half precision", script(traced.half()), reference({k: np.asarray(v).astype(np.float16) for k, v in GOOD.items()}))
    clip = model()
    clip.register_buffer("input_resolution", torch.tensor(24))
    clip.register_buffer("vocab_size", torch.tensor(600))
    clip.visual.proj.data = clip.visual.proj.data.t().contiguous().t()
    clip.visual.ln_post.weight.data = clip.visual.ln_pre.weight.data
    tied = reference({**GOOD, "visual.ln_post.weight": GOOD["visual.ln_pre.weight"]})
    same("a scripted module with numbers, a view and a shared storage", script(torch.jit.script(clip)), tied)


# ---- archives written by other programs ----

def contents(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries, compression=zipfile.ZIP_STORED, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.comment = comment
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def test_archives():
    expected = reference(GOOD)
    entries = contents(saved(STATE))
    pkl = next(name for name in entries if name.endswith("data.pkl"))
    folder = pkl[:-len("data.pkl")]
    same("packed again by another program", packed(entries.items()), expected)
    same("with a comment", packed(entries.items(), comment=b"a comment PK\5\6"), expected)
    same("byte order named", packed([*entries.items(), (folder + "byteorder", "little")]), expected)
    big = {k: np.frombuffer(v, "<f4").astype(">f4").tobytes() if "/data/" in k else v for k, v in entries.items()}
    same("big-endian numbers", packed([*big.items(), (folder + "byteorder", "big")]), expected)
    refuse("another byte order", packed([*entries.items(), (folder + "byteorder", "middle")]), "byteorder is neither")
    refuse("compressed", packed(entries.items(), zipfile.ZIP_DEFLATED), "is compressed, which PyTorch never does")
    refuse("no PyTorch archive", packed([("a/b.txt", "text")]), "none of PyTorch's: no entry FOLDER/data.pkl")
    refuse("two checkpoints", packed([*entries.items(), ("other/data.pkl", entries[pkl])]), "two checkpoints in one archive")
    refuse("a storage is missing", packed([(k, v) for k, v in entries.items() if k != folder + "data/3"]), "its storage 3 is missing")
    refuse("a storage too small", packed([(k, v[:-4] if k == folder + "data/3" else v) for k, v in entries.items()]), "its storage has")
    refuse("something behind the pickle", packed([(k, v + b"." if k == pkl else v) for k, v in entries.items()]), "1 bytes behind the end of the pickle")
    plain = packed(entries.items())
    refuse("cut off", plain[:-1000], "without its end, so probably cut off")
    at = plain.index(entries[folder + "data/3"]) + 100
    refuse("one byte of a storage changed", plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1:], "data/3 is damaged (its checksum differs)")


# ---- the form of before 1.6 ----

def old(value):
    return saved(value, _use_new_zipfile_serialization=False)


def test_old_form():
    data = old({"epoch": 1, "state_dict": STATE, "optimizer": [torch.zeros(5), torch.zeros(7, dtype=torch.long)]})
    same("the old form", data, reference(GOOD))
    shared = STATE["visual.ln_pre.weight"]
    views = {**STATE, "visual.ln_post.weight": shared, "visual.proj": STATE["visual.proj"].half().t().contiguous().t()}
    expected = reference({**GOOD, "visual.ln_post.weight": GOOD["visual.ln_pre.weight"], "visual.proj": GOOD["visual.proj"].astype(np.float16)})
    same("the old form with views, half precision and a shared storage", old(views), expected)
    plain = old(STATE)
    refuse("the old form: cut off", plain[:-1], "a storage beyond the end of the file")
    refuse("the old form: cut off in front of a storage", old({"a": torch.zeros(3)})[:-13], "the end of the file in front of a storage")
    refuse("the old form: cut off in a pickle", plain[:5000], "no valid pickle: cut off")
    refuse("the old form: something behind it", plain + b"x", "something behind the last storage")
    refuse("the old form: another version", plain.replace(b"\x80\x02M\xe9\x03.", b"\x80\x02M\xe8\x03.", 1), "an unknown version")
    refuse("the old form: a command", old({**STATE, "x": Evil(os.system, "true")}), "asks Python for posix.system (byte ")
    refuse("the old form: magic number alone", plain[:15], "no valid pickle: cut off")
    rng, wrong = np.random.default_rng(1), []
    for at in rng.integers(15, 6000, 60):  # without checksums wrong numbers can come out, but no crash
        converted, code, said = convert(plain[:at] + bytes([plain[at] ^ 1 << rng.integers(8)]) + plain[at + 1:])
        if code not in (0, 3) or (code == 0) != (converted is not None):
            wrong.append((int(at), code, said[-200:]))
    check(not wrong, "damage to the old form", str(wrong[:3]))


# ---- pickles written by hand ----

class Storage:
    def __init__(self, numbers, kind, key):
        self.value = ("storage", kind, key, "cpu", numbers)


class Tensor:
    """Pickled as a tensor with any offset, sizes and strides."""

    def __init__(self, storage, offset, size, stride):
        self.arguments = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.value if isinstance(value, Storage) else None


def by_hand(value, storages=None, protocol=2):
    """An archive with this value pickled; 6144 bytes as data/0 unless told other."""
    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(value)
    storages = {"0": bytes(6144)} if storages is None else storages
    return packed([("a/data.pkl", buffer.getvalue()), *[("a/data/" + k, v) for k, v in storages.items()]])


def test_places():
    """The tensor visual.proj, [64, 24], of a storage of 1536 numbers, placed where it must not be."""
    def proj(*place, numbers=1536, key="0", kind=torch.FloatStorage):
        data = contents(saved({k: v for k, v in STATE.items() if k != "visual.proj"}))
        storages = {"own" + k.split("/")[-1]: v for k, v in data.items() if "/data/" in k}
        others = {k: Tensor(Storage(v.numel(), torch.FloatStorage, f"own{i}"), 0, tuple(v.shape), v.stride())
                  for i, (k, v) in enumerate((k, v) for k, v in STATE.items() if k != "visual.proj")}
        return by_hand({**others, "visual.proj": Tensor(Storage(numbers, kind, key), *place)}, {**storages, "0": bytes(6144)})
    zeros = reference({**GOOD, "visual.proj": np.zeros((64, 24), np.float32)})
    same("a tensor by hand", proj(0, (64, 24), (24, 1)), zeros)
    same("strides of zero", proj(1535, (64, 24), (0, 0)), zeros)
    reach = "the data of tensor visual.proj reach beyond their end"
    for name, says, arguments in (
            ("offset 1", reach, (1, (64, 24), (24, 1))), ("a stride too large", reach, (0, (64, 24), (25, 1))),
            ("a stride that overflows", reach, (0, (64, 24), (2 ** 62, 2 ** 61))), ("offset beyond all", "begins at number", (2 ** 62, (64, 24), (24, 1))),
            ("a negative offset", "no valid offset", (-1, (64, 24), (24, 1))), ("a negative stride", "no valid offset", (0, (64, 24), (24, -1))),
            ("a negative size", "no valid offset", (0, (-64, 24), (24, 1))), ("a size that is no number", "no valid offset", (0, ("64", 24), (24, 1))),
            ("sizes of 70 bits", "no valid offset", (0, (2 ** 70, 24), (24, 1))), ("too few strides", "no valid offset", (0, (64, 24), (24,))),
            ("nine sides", "no valid offset", (0, (1,) * 9, (1,) * 9)), ("a product that overflows", "product of its shape overflows", (0, (2 ** 62, 2 ** 62), (0, 0)))):
        refuse(name, proj(*arguments), says)
    refuse("a storage larger than its entry", proj(0, (64, 24), (24, 1), numbers=1537), "its storage has 6144 bytes")
    refuse("a storage of 2^62 numbers", proj(0, (64, 24), (24, 1), numbers=2 ** 62), "its storage has 6144 bytes")
    refuse("a storage of another type", proj(0, (64, 24), (24, 1), kind=torch.DoubleStorage), "its storage has 6144 bytes")
    refuse("a storage with a path", proj(0, (64, 24), (24, 1), key="../../../etc/passwd"), "is missing")
    refuse("a storage that is none", by_hand({"visual.proj": Tensor(7, 0, (1,), (1,))}), "do not lie in a storage")
    one = Tensor(Storage(1, torch.FloatStorage, "0"), 0, (1,), (1,))
    refuse("a name with a zero", by_hand({"a\0b": one}), "or with a byte 0 inside")
    refuse("a name of 1000 letters", by_hand({"a" * 1000: one}), "a name of 1000 bytes")


# ---- pickles that would run something ----

class Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_evil():
    marker = os.path.join(FOLDER, "was run")
    command = f"echo > '{marker}'"
    # what protocol 2 and what protocol 4 call it, the callable, its arguments
    evil = (("posix.system", "posix.system", os.system, command), ("__builtin__.eval", "builtins.eval", eval, f"open({marker!r}, 'w')"),
            ("__builtin__.exec", "builtins.exec", exec, f"open({marker!r}, 'w')"), ("io.open", "io.open", open, marker, "w"),
            ("__builtin__.getattr", "builtins.getattr", getattr, "os", "system"), ("__builtin__.__import__", "builtins.__import__", __import__, "os"),
            ("commands.Popen", "subprocess.Popen", subprocess.Popen, command), ("pathlib.PosixPath", "pathlib.PosixPath", pathlib.PosixPath, "x"),
            ("torch.serialization.load", "torch.serialization.load", torch.load, marker), ("__main__.Evil", "__main__.Evil", Evil, "x"))
    for name2, name4, *call in evil:
        for protocol, name in ((2, name2), (4, name4)):
            refuse(f"{name} in protocol {protocol}", saved({**STATE, "x": Evil(*call)}, pickle_protocol=protocol), f"asks Python for {name} (byte ")
    refuse("a whole module", saved(model()), "asks Python for __main__.Clip")
    raw = {"INST": b"(ios\nsystem\n.", "STRING": b"S'x'\n.", "INT": b"I1\n.", "EXT1": b"\x82\x01.", "NEWOBJ_EX": b"\x92.", "DUP": b"2.", "POP": b"0.",
           "PERSID": b"P1\n.", "GET": b"g0\n.", "NEXT_BUFFER": b"\x97.", "LONG4": b"\x8b\0\0\0\0."}
    for name, code in raw.items():
        refuse(f"opcode {name}", packed([("a/data.pkl", b"\x80\x02" + code)]), f"({name}) at byte")
    refuse("OBJ", packed([("a/data.pkl", b"\x80\x02(cos\nsystem\nX\x01\0\0\0xo.")]), "asks Python for os.system (byte 3)")
    refuse("a name put together on the stack", packed([("a/data.pkl", b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.")]), "asks Python for os.system (byte 16)")
    refuse("a call of what is no name", packed([("a/data.pkl", b"\x80\x02X\x02\0\0\0os)R.")]), "a call of something that is no global")
    refuse("a text in front of a call", packed([("a/data.pkl", b"\x80\x02ccollections\nOrderedDict\n]R.")]), "without a tuple of arguments")
    check(not os.path.exists(marker), "nothing was run", "the marker file exists")


def test_bombs():
    """Small pickles that would be large trees, or none at all."""
    loop = {}
    loop["state_dict"] = loop
    refuse("a dictionary inside itself", by_hand(loop), "no tensors where a checkpoint has them")
    deep = b"\x80\x02c__torch__\nM\nq\0)\x81q\x01}X\x01\0\0\0ah\x01sb."
    refuse("a module inside itself", packed([("a/data.pkl", deep)]), "nested deeper than 64 levels")
    wide = b"N"
    for _ in range(40):  # each module holds the one before it twice: 2^40 values
        wide = b"c__torch__\nM\n)\x81}(X\x01\0\0\0a" + wide + b"q\x01X\x01\0\0\0bh\x01ub"
    refuse("modules shared by modules", packed([("a/data.pkl", b"\x80\x02" + wide + b".")]), "no checkpoint has so many")
    refuse("an index of 2^32 in the memo", packed([("a/data.pkl", b"\x80\x02Nr\xff\xff\xff\xff.")]), "an index of the memo beyond all reason")
    refuse("a text of 2^64 bytes", packed([("a/data.pkl", b"\x80\x04\x8d" + b"\xff" * 8 + b".")]), "a length beyond its end")
    refuse("four million dictionaries", packed([("a/data.pkl", b"\x80\x02" + b"}" * (1 << 22) + b".")]), "more than 256 MiB of values")


# ---- damage ----

def test_damage():
    """Bytes changed anywhere: the archive is refused, or what is converted is right."""
    rng = np.random.default_rng(0)
    for name, data, expected in (("a state dict", saved(STATE), reference(GOOD)), ("TorchScript", script(torch.jit.script(model())), reference(GOOD))):
        wrong, accepted = [], 0
        # most bytes are numbers; the first and last 2000 are directory, headers and pickle
        places = [*rng.integers(0, len(data), 20), *rng.integers(0, 2000, 30), *rng.integers(len(data) - 4000, len(data), 50)]
        for at in places:
            changed = bytearray(data)
            changed[at] ^= 1 << rng.integers(8)
            converted, code, said = convert(bytes(changed))
            accepted += code == 0
            if (code, converted) != (0, expected) and (code != 3 or converted is not None):
                wrong.append((int(at), code, said[-200:]))
        check(not wrong and accepted < len(places) // 2, f"damage to {name}", f"{wrong[:3]}, {accepted} accepted")


def main():
    for test in (test_state_dicts, test_types, test_views, test_torchscript, test_archives, test_old_form, test_places, test_evil, test_bombs, test_damage):
        test()


if __name__ == "__main__":
    main()
