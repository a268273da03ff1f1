"""What is said of a picture, and CLIP's byte-pair encoding with a vocabulary learned from it.

Sentences are template x state x name, in the phrasing of the prompt ensemble (weights/prompts.txt), with more states. Names
are the family's own, general words, or words made up on the spot: so the text tower learns that "damaged" and "flawless"
mean the same whatever they are said of, and a class name it never met does no harm.
"""
import collections
import pathlib
import re

PROMPTS = pathlib.Path(__file__).parent.parent / "prompts.txt"
START, END = "<|startoftext|>", "<|endoftext|>"

NORMAL = ("intact {}", "undamaged {}", "clean {}", "good {}", "{} in perfect condition", "normal {}")
ANOMALOUS = ("defective {}", "broken {}", "faulty {}", "flawed {}", "{} with an anomaly", "bad {}")
TEMPLATES = ("{}.", "a {}.", "a picture of a {}.", "an image of the {}.", "this is a {}.", "a photo of one {}.",
             "there is a {} in the photo.")
GENERAL = ("object", "surface", "product", "part", "item", "material", "thing", "texture", "piece")
ONSETS = ("b", "br", "c", "cl", "d", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr",
          "v", "w", "sh", "ch", "")
VOWELS = ("a", "e", "i", "o", "u", "ea", "oo", "ai")
CODAS = ("", "n", "r", "l", "t", "s", "ck", "m", "nd", "st", "ng", "ther", "le")


def ensemble():
    """Sections of weights/prompts.txt: {"normal": [...], "anomalous": [...], "templates": [...]}."""
    sections, current = {}, None
    for line in PROMPTS.read_text().splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return sections


def made_up_name(rng):
    """One or two words that do not exist."""
    pick = lambda options: options[rng.integers(len(options))]
    word = lambda: "".join(pick(ONSETS) + pick(VOWELS) + pick(CODAS) for _ in range(1 + rng.integers(2)))
    return " ".join(word() for _ in range(1 + (rng.random() < 0.2)))


class Captions:
    """kinds: name of a defect -> its phrases, such as "{} with a scratch"."""

    def __init__(self, kinds):
        prompts = ensemble()
        self.templates = prompts["templates"] + list(TEMPLATES)
        self.normal = prompts["normal"] + list(NORMAL)
        self.anomalous = prompts["anomalous"] * 2 + list(ANOMALOUS)
        self.kinds = kinds

    def name(self, rng, names):
        """(name, whether it is the family's own)"""
        chance = rng.random()
        if chance < 0.6:
            return names[rng.integers(len(names))], True
        return (GENERAL[rng.integers(len(GENERAL))] if chance < 0.8 else made_up_name(rng)), False

    def sentence(self, rng, name, state):
        """state: "normal", "anomalous", or the name of a defect: said in its own words half of the time."""
        states = self.normal if state == "normal" else self.anomalous
        if state in self.kinds and rng.random() < 0.5:
            states = self.kinds[state]
        phrase = states[rng.integers(len(states))].replace("{}", name)
        return self.templates[rng.integers(len(self.templates))].replace("{}", phrase)

    def all_words(self, names):
        """Every word that a caption may have, with how many phrases have it: the corpus of the vocabulary."""
        texts = self.templates + self.normal + self.anomalous + [p for ps in self.kinds.values() for p in ps]
        texts += list(names) + list(GENERAL)
        return collections.Counter(w for text in texts for w in split(text.replace("{}", " ")))


def split(text):
    """CLIP's splitting of plain English text: words, single digits, runs of other signs."""
    return re.findall(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower())


def byte_symbols():
    """CLIP's symbols of the 256 byte values in the order of their ids: the printable ones, then the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def learn_merges(words, count):
    """Byte-pair encoding (Sennrich et al. 2016): the most frequent pair of neighbours becomes a symbol, `count` times; ties to
    the first in the alphabet. words: Counter of ASCII words -> list of (left, right)."""
    pieces = {w: list(w[:-1]) + [w[-1] + "</w>"] for w in words}
    merges = []
    while len(merges) < count:
        pairs = collections.Counter()
        for word, parts in pieces.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += words[word]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for parts in pieces.values():
            join(parts, best)
    return merges


def join(parts, pair):
    """Every `pair` of neighbours in parts becomes one, in place, from the left."""
    i = 0
    while i < len(parts) - 1:
        if (parts[i], parts[i + 1]) == pair:
            parts[i:i + 2] = ["".join(pair)]
        i += 1


class Tokenizer:
    """merges -> ids: 256 bytes, 256 bytes that end a word, the merges, start, end (the layout of OpenAI's vocabulary)."""

    def __init__(self, merges):
        symbols = byte_symbols()
        symbols += [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + [START, END]
        self.ids = {s: i for i, s in enumerate(symbols)}
        self.size = len(symbols)
        self.ranks = {m: i for i, m in enumerate(merges)}
        self.known = {}

    def word(self, word):
        if word not in self.known:
            parts = list(word[:-1]) + [word[-1] + "</w>"]
            while True:
                ranked = [p for p in zip(parts, parts[1:]) if p in self.ranks]
                if not ranked:
                    break
                join(parts, min(ranked, key=self.ranks.get))
            self.known[word] = [self.ids[p] for p in parts]
        return self.known[word]

    def encode(self, text):
        """ids of an ASCII text, start and end included"""
        return [self.size - 2] + [i for w in split(text) for i in self.word(w)] + [self.size - 1]


def write_merges(path, merges):
    """The file that `lake convert --vocab` reads."""
    path.write_text("#version: demo\n" + "".join(f"{a} {b}\n" for a, b in merges))
