#!/usr/bin/env python3
"""lake convert from outside: checkpoints in every naming, type and company of configuration files, and broken ones.

What a .clip file holds is read here by weights/FORMAT.md alone (golden/make_checkpoints.py) and compared with the arrays
that went into the checkpoint: exactly, for conversion moves and rounds numbers and does nothing else. Needs numpy; the
comparison with PyTorch's checkpoints needs torch and ../shared/peers.
"""
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "golden"))
LAKE = os.path.abspath(os.environ.get("LAKE", "./lake"))
SHARED = HERE.parent.parent / "shared"


def check(passed, name, detail=""):
    print(f"ok {name}" if passed else f"not ok {name}: {detail}", flush=True)


def skip(name, reason):
    print(f"skip {name}: {reason}", flush=True)


try:
    import numpy as np
    import make_checkpoints as make
except ImportError as error:
    skip("convert", str(error))
    sys.exit(0)

TEMPORARY = tempfile.TemporaryDirectory()
FOLDER = TEMPORARY.name
GOOD = make.openai()


def run(*arguments):
    return subprocess.run([LAKE, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)


def place(name, data=None, vocabulary=False, **configs):
    """A folder of its own with the checkpoint model.safetensors and, under each key with _ for ., a configuration file."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder)
    path = os.path.join(folder, "model.safetensors")
    if data is not None:
        with open(path, "wb") as f:
            f.write(data)
    if vocabulary:
        make.vocabulary(folder)
    for key, content in configs.items():
        with open(os.path.join(folder, key + ".json"), "w") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
    return path


def convert(name, path, *options):
    """Converts; returns (configuration, tensors, types, section, messages), or None where it failed."""
    out = os.path.join(os.path.dirname(path), "out.clip")
    r = run("convert", path, "-o", out, *options)
    if r.returncode != 0 or not os.path.exists(out):
        check(False, name, f"exit {r.returncode}: {r.stderr.strip()[-300:]}")
        return None
    try:
        return (*make.read_clip(out), r.stderr)
    except AssertionError as error:
        check(False, name, f"the file is not as FORMAT.md says: {error!r}")
        return None


def compare(name, tensors, expected):
    """Same names, same numbers bit for bit."""
    wrong = [k for k in expected if k not in tensors or not np.array_equal(tensors[k], expected[k])]
    check(not wrong and set(tensors) == set(expected), name, f"{wrong[:5]}, {sorted(set(tensors) ^ set(expected))[:5]}")


def refuse(name, code, says, *arguments):
    """The call ends with this code and one line that says so, and leaves no file behind."""
    r = run(*arguments)
    folder = next((os.path.dirname(a) for a in map(str, arguments) if a.endswith(".safetensors")), FOLDER)
    left = [f for f in os.listdir(folder) if ".clip" in f or ".part" in f]
    last = r.stderr.strip().splitlines()[-1] if r.stderr.strip() else ""
    check(r.returncode == code and says in last and not left, name, f"exit {r.returncode}, expected {code}; \"{last}\", expected \"{says}\"; left {left}")


# ---- the three namings ----

def test_openai():
    path = place("openai", make.pack(GOOD), vocabulary=True)
    found = convert("OpenAI naming", path)
    if found is None:
        return
    config, tensors, types, section, messages = found
    compare("OpenAI naming", tensors, make.ours(GOOD))
    expected = {"vision.width": 128, "vision.layers": 2, "vision.heads": 2, "vision.mlp": 512, "vision.activation": 0, "resolution": 24,
                "patch": 8, "embed": 48, "flags": 1 | 4 | 8, "text.width": 64, "text.layers": 1, "text.heads": 1, "text.mlp": 256,
                "text.activation": 0, "context": 16, "vocabulary": 600, "logit_scale": float(np.float32(4.6052)), "reserved": 0,
                "vision.eps": float(np.float32(1e-5)), "text.eps": float(np.float32(1e-5))}
    wrong = {k: config[k] for k in expected if config[k] != expected[k]}
    check(not wrong, "OpenAI configuration", str(wrong))
    check(np.allclose(config["mean"], (0.48145466, 0.4578275, 0.40821073), atol=1e-7) and
          np.allclose(config["std"], (0.26862954, 0.26130258, 0.27577711), atol=1e-7), "CLIP's mean and std", str(config))
    order = list(tensors)
    check(order[0] == "vision.patch.weight" and order[1] == "vision.class" and order[-1] == "text.projection.weight", "order of tensors", str(order))
    check(len(section) == 2068 + 12 * 86 and section[:4] == b"LTOK", "tokenizer section", str(len(section)))
    for option in ("--activation", "--eps", "--heads", "--text-heads", "--mean", "--std", "--vocab"):
        check(option in messages, f"a guess names {option}", messages)


def test_types():
    path = place("types", make.pack(GOOD), vocabulary=True)
    expected = make.ours(GOOD)
    vectors = {k for k, v in expected.items() if v.ndim == 1 or k.endswith("positions")}
    for name, narrow in (("f16", lambda a: a.astype(np.float16).astype(np.float32)),
                         ("bf16", lambda a: (make.bf16(a).astype(np.uint32) << 16).view(np.float32))):
        found = convert(f"--dtype {name}", path, "--dtype", name)
        if found:
            compare(f"--dtype {name}", found[1], {k: v if k in vectors else narrow(v) for k, v in expected.items()})
            check({k for k, v in found[2].items() if v == "f32"} == vectors and set(found[2].values()) == {"f32", name}, f"types of --dtype {name}", str(found[2]))
    sources = {"F16": lambda v: v.astype(np.float16), "F64": lambda v: v.astype(np.float64) * (1 + 1e-12), "BF16": make.bf16}
    back = {"F16": lambda v: v.astype(np.float32), "F64": lambda v: v.astype(np.float32), "BF16": lambda v: (v.astype(np.uint32) << 16).view(np.float32)}
    for name in sources:
        source = {k: sources[name](np.asarray(v)) for k, v in GOOD.items()}
        found = convert(f"checkpoint of {name}", place("source_" + name, make.pack(source, pad=False), vocabulary=True))
        if found:
            compare(f"checkpoint of {name}", found[1], {k: back[name](np.ascontiguousarray(v)) for k, v in make.ours(source).items()})
    mixed = {k: v.astype(np.float16) if v.ndim == 2 else v for k, v in GOOD.items()}
    found = convert("a mixed checkpoint", place("mixed", make.pack(mixed), vocabulary=True), "--dtype", "f16")
    if found:
        compare("a mixed checkpoint", found[1], {k: v.astype(np.float16 if found[2][k] == "f16" else np.float32).astype(np.float32) for k, v in make.ours(mixed).items()})


def test_same_bytes():
    """OpenAI's and Hugging Face's naming of one model give one file; so does another order of the tensors."""
    def output(name, tensors):
        path = place(name, make.pack(tensors), vocabulary=True)
        r = run("convert", path, "-o", path + ".clip", "--dtype", "bf16")
        return open(path + ".clip", "rb").read() if r.returncode == 0 else r.stderr
    first = output("same_openai", GOOD)
    check(first == output("same_hf", make.hf(GOOD)), "Hugging Face naming gives the same bytes")
    check(first == output("same_reversed", dict(reversed(list(GOOD.items())))), "another order gives the same bytes")
    check(first == output("same_module", {"module." + k: v for k, v in GOOD.items()}), "module. in front gives the same bytes")
    custom = {k if k.startswith("visual.") or k == "logit_scale" else "text." + k: v for k, v in GOOD.items()}
    check(first == output("same_custom", custom), "text. in front of the text tower gives the same bytes")


def test_timm():
    tensors = make.timm(GOOD)
    expected = {k: v for k, v in make.ours(GOOD).items() if k.startswith("vision.") and "ln_pre" not in k and "projection" not in k}
    expected["vision.patch.bias"] = tensors["patch_embed.proj.bias"]
    found = convert("timm naming", place("timm", make.pack(tensors)))
    if found:
        config = found[0]
        compare("timm naming", found[1], expected)
        check(config["flags"] == 2 and config["vision.activation"] == 1 and abs(config["vision.eps"] - 1e-6) < 1e-12 and config["embed"] == 128 and
              config["mean"] == config["std"] == (0.5, 0.5, 0.5) and config["vision.heads"] == 2 and not found[3], "timm configuration", str(config))
    for k in list(tensors):
        if k.endswith("qkv.bias"):
            del tensors[k]
    found = convert("timm without bias", place("timm_bias", make.pack(tensors)))
    if found:
        compare("timm without bias for q, k, v", found[1], {k: np.zeros_like(v) if "qkv.bias" in k else v for k, v in expected.items()})
        check("zeros" in found[4], "the missing bias is noted", found[4])
    tensors["norm_pre.weight"], tensors["norm_pre.bias"] = GOOD["visual.ln_pre.weight"], GOOD["visual.ln_pre.bias"]
    found = convert("timm with norm_pre", place("timm_pre", make.pack(tensors), config={"pretrained_cfg": {"mean": [0.25, 0.5, 0.75], "std": [1, 2, 4]}}))
    if found:
        check(found[0]["flags"] == 3 and found[0]["mean"] == (0.25, 0.5, 0.75) and found[0]["std"] == (1, 2, 4) and "vision.ln_pre.bias" in found[1],
              "timm with norm_pre and config.json", str(found[0]))


# ---- configuration files and options ----

def test_hf_config():
    data = make.pack(make.hf(GOOD))
    found = convert("config.json", place("hf", data, vocabulary=True, config=make.hf_config(), preprocessor_config={"image_mean": [0.25, 0.5, 0.75], "image_std": [1, 2, 4]}))
    if found:
        c = found[0]
        check((c["vision.activation"], c["text.activation"], c["vision.heads"], c["text.heads"]) == (1, 0, 4, 2) and abs(c["vision.eps"] - 1e-6) < 1e-12 and
              abs(c["text.eps"] - 1e-5) < 1e-11 and c["mean"] == (0.25, 0.5, 0.75) and c["std"] == (1, 2, 4), "config.json of each tower", str(c))
        check("guessed" not in found[4], "nothing is guessed beside a configuration", found[4])
        compare("tensors beside config.json", found[1], make.ours(GOOD))
    vision = {k: v for k, v in make.hf(GOOD).items() if k.startswith("vision_model")}
    flat = {"model_type": "clip_vision_model", **make.hf_config()["vision_config"]}
    found = convert("CLIPVisionModel", place("hf_vision", make.pack(vision), config=flat))
    if found:
        check(found[0]["flags"] == 1 and found[0]["vision.heads"] == 4 and found[0]["vision.activation"] == 1 and found[0]["embed"] == 128, "CLIPVisionModel", str(found[0]))
    bad = {"other_width": (make.hf_config(vision__hidden_size=256), '"hidden_size" is 256, the checkpoint\'s tensors say 128'),
           "other_layers": (make.hf_config(text__num_hidden_layers=3), '"num_hidden_layers" is 3'),
           "other_activation": (make.hf_config(text__hidden_act="gelu_new"), '"hidden_act" is "gelu_new", only quick_gelu and gelu'),
           "other_end": (make.hf_config(text__eos_token_id=5), "its end token is 599, config.json says 5"),
           "other_type": (make.hf_config(vision__layer_norm_eps="small"), '"layer_norm_eps" is no number'),
           "heads_zero": (make.hf_config(vision__num_attention_heads=0), '"num_attention_heads" is 0'),
           "heads_odd": (make.hf_config(vision__num_attention_heads=7), 'config.json: "num_attention_heads" is 7, which does not divide the width 128: correct it'),
           "heads_absent": ({**make.hf_config(), "vision_config": {k: v for k, v in make.hf_config()["vision_config"].items() if k != "num_attention_heads"}},
                            '"num_attention_heads" is 12 where it is absent, which does not divide the width 128'),
           "no_json": ("{", "no valid JSON: line 1, column 2: expected a member's name in quotes, found the end; copy or download it again")}
    for name, (config, says) in bad.items():
        path = place("hf_" + name, data, vocabulary=True, config=config)
        refuse(f"config.json: {name}", 3, says, "convert", path, "-o", path + ".clip")
    found = convert("eos_token_id 2", place("hf_old", data, vocabulary=True, config=make.hf_config(text__eos_token_id=2)))
    check(found is not None, "eos_token_id 2 means the largest id", "refused")
    found = convert("another config.json", place("hf_foreign", data, vocabulary=True, config={"anything": 1}))
    check(found is not None and "not the configuration of a CLIP" in found[4], "a foreign config.json is noted", "no note")


def test_open_clip_config():
    data = make.pack(GOOD)
    found = convert("open_clip_config.json", place("open_clip", data, vocabulary=True, open_clip_config=make.OPEN_CLIP_CONFIG))
    if found:
        c = found[0]
        check((c["vision.activation"], c["text.activation"], c["vision.heads"], c["text.heads"]) == (1, 1, 4, 4) and c["mean"] == (0.5, 0.25, 0.125) and
              c["std"] == (0.5, 0.75, 1.0), "open_clip_config.json", str(c))
    quick = json.loads(json.dumps(make.OPEN_CLIP_CONFIG))
    quick["model_cfg"]["quick_gelu"] = True
    found = convert("quick_gelu", place("open_clip_quick", data, vocabulary=True, open_clip_config=quick), "--mean", "0,0.5,1")
    check(found is not None and found[0]["vision.activation"] == 0 and found[0]["mean"] == (0, 0.5, 1) and found[0]["std"] == (0.5, 0.75, 1.0),
          "quick_gelu of open_clip, --mean alone", str(found and found[0]))
    for name, part, key, value, says in (("mask", "text_cfg", "no_causal_mask", True, '"no_causal_mask" is set'), ("width", "vision_cfg", "width", 64, '"width" is 64'),
                                         ("head_width", "vision_cfg", "head_width", 33, '"head_width" is 33'),
                                         ("average", "vision_cfg", "pool_type", "avg", '"pool_type" of vision_cfg is not "tok"'),
                                         ("last token", "text_cfg", "pool_type", "last", '"pool_type" of text_cfg is not "argmax"'),
                                         ("average of old", "vision_cfg", "global_average_pool", True, '"global_average_pool" is set'),
                                         ("norm behind the pooling", "vision_cfg", "final_ln_after_pool", True, '"final_ln_after_pool" is set'),
                                         ("tanh", "text_cfg", "act_kwargs", {"approximate": "tanh"}, '"act_kwargs" is set'),
                                         ("timm", "vision_cfg", "timm_model_name", "convnext_base", '"timm_model_name" is set')):
        other = json.loads(json.dumps(make.OPEN_CLIP_CONFIG))
        other["model_cfg"][part][key] = value
        path = place("open_clip_" + name, data, vocabulary=True, open_clip_config=other)
        refuse(f"open_clip_config.json: {name}", 3, says, "convert", path, "-o", path + ".clip")
    usual = json.loads(json.dumps(make.OPEN_CLIP_CONFIG))
    usual["model_cfg"]["vision_cfg"].update(pool_type="tok", attentional_pool=False, global_average_pool=None, act_kwargs={})
    usual["model_cfg"]["text_cfg"].update(pool_type="eos", no_causal_mask=False, hf_model_name=None)
    check(convert("usual", place("open_clip_usual", data, vocabulary=True, open_clip_config=usual)) is not None, "settings that say what CLIP does", "refused")


def test_options():
    data = make.pack(make.hf(GOOD))
    path = place("options", data, vocabulary=True, config=make.hf_config())
    found = convert("options", path, "--activation", "gelu", "--eps", "0.001", "--heads", "8", "--text-heads", "4", "--mean", "0.5,0.25,0", "--std", "1,2,4")
    if found:
        c = found[0]
        check((c["vision.activation"], c["text.activation"], c["vision.heads"], c["text.heads"]) == (1, 1, 8, 4) and abs(c["vision.eps"] - 1e-3) < 1e-9 and
              abs(c["text.eps"] - 1e-3) < 1e-9 and c["mean"] == (0.5, 0.25, 0) and c["std"] == (1, 2, 4), "options stand above config.json", str(c))
    narrow = make.openai(width=16, text_width=8, embed=4)
    path = place("narrow", make.pack(narrow), vocabulary=True)
    refuse("heads that cannot be guessed", 3, "give --heads N", "convert", path, "-o", path + ".clip")
    refuse("heads that cannot be", 2, "--heads: 7 does not divide the width", "convert", path, "-o", path + ".clip", "--heads", "7")
    refuse("text heads that cannot be", 2, "--text-heads: 7 does not", "convert", path, "-o", path + ".clip", "--heads", "2", "--text-heads", "7")
    refuse("text heads that cannot be guessed", 3, "give --text-heads N", "convert", path, "-o", path + ".clip", "--heads", "2")
    found = convert("heads given", path, "--heads", "2", "--text-heads", "1")
    check(found is not None and found[0]["vision.heads"] == 2, "heads given", "not converted")
    extra = place("extra", make.pack({**GOOD, "logit_bias": np.float32(1), "optimizer.step": np.zeros(3, np.float32)}), vocabulary=True)
    found = convert("extra tensors", extra)
    check(found is not None and "2 tensors have no place in the model and are left out: logit_bias, ..." in found[4], "extra tensors are noted", str(found and found[4]))


def test_vocabulary():
    path = place("no_vocabulary", make.pack(GOOD))
    refuse("no vocabulary", 3, "give one with --vocab", "convert", path, "-o", path + ".clip")
    refuse("absent vocabulary", 3, "none.json", "convert", path, "-o", path + ".clip", "--vocab", "none.json")
    twice = os.path.join(FOLDER, "twice.txt")
    with open(twice, "w") as f:
        f.write("#version: 0.2\nt h\ni n\nt h\n")
    refuse("a merge twice", 3, "same pair", "convert", path, "-o", path + ".clip", "--vocab", twice)
    larger = os.path.join(FOLDER, "larger")
    os.makedirs(larger)
    refuse("too large a vocabulary", 3, "has 600 rows", "convert", path, "-o", path + ".clip", "--vocab", make.vocabulary(larger, 610))
    vision = place("unneeded", make.pack(make.timm(GOOD)))
    found = convert("unneeded vocabulary", vision, "--vocab", os.path.join(larger, "vocab.json"))
    check(found is not None and "is not needed" in found[4], "a vocabulary that is not needed is noted", str(found and found[4]))


# ---- failures ----

def test_broken():
    for name, (data, says) in make.broken().items():
        path = place("bad_" + name, data, vocabulary=True)
        refuse(f"broken: {name}", 3, says, "convert", path, "-o", path + ".clip")
        if name.startswith(("header_", "offset_", "shape_", "trunc", "trailing", "overlap", "dtype_missing", "metadata", "duplicate")) and name not in ("shape_transposed", "header_too_long"):
            refuse(f"broken: {name}: what to do", 3, "download it again", "convert", path, "-o", path + ".clip")
    large = dict(GOOD)
    large["visual.proj"] = large["visual.proj"].copy()
    large["visual.proj"][3, 4] = 70000
    path = place("bad_range", make.pack(large), vocabulary=True)
    refuse("beyond f16", 3, "holds 70000, beyond the range of f16: write bf16 (--dtype bf16) (made of tensor visual.proj", "convert", path, "-o", path + ".clip", "--dtype", "f16")
    check(convert("70000 as bf16", path, "--dtype", "bf16") is not None, "what f16 cannot hold bf16 can")


def test_codes():
    path = place("codes", make.pack(GOOD), vocabulary=True)
    out = path + ".clip"
    for name, arguments in (("unknown option", ("--size", "3")), ("unknown type", ("--dtype", "q3")), ("unknown activation", ("--activation", "relu")),
                            ("eps 2", ("--eps", "2")), ("no heads", ("--heads", "-1")), ("two numbers", ("--mean", "1,2")), ("std 0", ("--std", "1,0,1"))):
        refuse(f"usage: {name}", 2, "", "convert", path, "-o", out, *arguments)
    refuse("usage: output is the checkpoint", 2, "would replace the checkpoint", "convert", path, "-o", path)
    check(open(path, "rb").read() == make.pack(GOOD), "the checkpoint is untouched", "changed")
    refuse("absent checkpoint", 3, "cannot open", "convert", path + "x", "-o", out)
    refuse("checkpoint is a folder", 3, "is a folder", "convert", FOLDER, "-o", out)
    refuse("no such folder", 4, "cannot write", "convert", path, "-o", os.path.join(FOLDER, "none", "x"))
    refuse("output is a folder", 4, "is a folder", "convert", path, "-o", FOLDER)
    if os.path.exists("/dev/full"):
        refuse("disk full", 4, "cannot write", "convert", path, "-o", "/dev/full")
    with open(out, "wb") as f:
        f.write(b"\x89CLIP, the old file")
    broken = place("codes_broken", make.broken()["infinity"][0], vocabulary=True)
    r = run("convert", broken, "-o", out)
    check(r.returncode == 3 and open(out, "rb").read() == b"\x89CLIP, the old file", "a failure leaves the old output alone", f"exit {r.returncode}")


def test_info():
    path = place("info", make.pack(make.timm(GOOD)))
    found = convert("info", path)
    out = os.path.join(os.path.dirname(path), "out.clip")
    r = run("info", out)
    check(found is not None and r.returncode == 0 and "128" in r.stdout, "info", r.stderr)
    data = bytearray(open(out, "rb").read())
    data[-5] ^= 1
    with open(out, "wb") as f:
        f.write(data)
    r = run("info", out)
    check(r.returncode == 3 and "vision.ln_post.bias" in r.stderr, "info finds damaged data", f"exit {r.returncode} {r.stderr}")


def test_format_example():
    """The worked example of FORMAT.md is the file that the command writes."""
    path = place("example", make.pack(make.example()))
    make.vocabulary(os.path.dirname(path), 515)
    out = path + ".clip"
    r = run("convert", path, "-o", out, *make.EXAMPLE_OPTIONS)
    if r.returncode != 0:
        return check(False, "FORMAT.md's example", r.stderr)
    data = open(out, "rb").read()
    text = (HERE.parent / "weights" / "FORMAT.md").read_text()
    lines = re.findall(r"^    ([0-9a-f]{8})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", text, re.MULTILINE)
    wrong = [at for at, line in lines if data[int(at, 16):int(at, 16) + len(line) // 3 + 1].hex(" ") != line]
    check(len(lines) > 40 and not wrong and "0x%04x = %d bytes" % (len(data), len(data)) in text, "FORMAT.md's example", f"{len(lines)} lines, wrong at {wrong}")


# ---- PyTorch's checkpoints and a real one ----

def test_peers():
    peer = SHARED / "peers" / "clip_torch.py"
    vocabulary = SHARED / "data" / "bpe_simple_vocab_16e6.txt.gz"
    try:
        spec = importlib.util.spec_from_file_location("clip_torch", peer)
        clip_torch = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(clip_torch)
    except (ImportError, OSError) as error:
        return skip("PyTorch's checkpoints", str(error))
    for name in ("tiny", "tiny-49408"):
        if name != "tiny" and not vocabulary.exists():
            skip(name, f"{vocabulary} is absent")
            continue
        tensors = clip_torch.make(name, 0)
        files = {}
        for naming, form in (("openai", tensors), ("hf", clip_torch.to_hf(tensors))):
            path = place(f"{name}_{naming}", vocabulary=name == "tiny")
            clip_torch.save(path, {k: v.numpy() for k, v in form.items()})
            found = convert(f"{name} {naming}", path, *(() if name == "tiny" else ("--vocab", vocabulary)))
            if found:
                compare(f"{name} in {naming} naming", found[1], make.ours({k: v.numpy() for k, v in tensors.items()}))
                files[naming] = open(os.path.join(os.path.dirname(path), "out.clip"), "rb").read()
        check(len(files) == 2 and files["openai"] == files["hf"], f"{name}: both namings give the same bytes", "they differ")


def test_real():
    source = SHARED / "data" / "vit_tiny_patch16_224.safetensors"
    if not source.exists():
        return skip("a trained ViT", f"{source} is absent")
    folder = place("real")
    shutil.copy(source, folder)
    found = convert("a trained ViT", folder)
    if found:
        c = found[0]
        check((c["vision.width"], c["vision.layers"], c["vision.heads"], c["resolution"], c["patch"], c["flags"]) == (192, 12, 3, 224, 16, 2), "a trained ViT", str(c))


def main():
    for test in (test_openai, test_types, test_same_bytes, test_timm, test_hf_config, test_open_clip_config, test_options, test_vocabulary, test_broken,
                 test_codes, test_info, test_format_example, test_peers, test_real):
        test()


if __name__ == "__main__":
    main()
