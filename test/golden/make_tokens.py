#!/usr/bin/python3
"""The reference for the tokenizer: what OpenAI's CLIP gives for a text, computed by other code than ours.

    test/golden/make_tokens.py      writes test/golden/tokens_merges.txt and tokens_small.txt

It follows the steps of clip/simple_tokenizer.py with Python's own html, str and unicodedata and with the regex module,
and merges byte pairs in the plain way, one rank at a time. In the place of ftfy stands its last step, NFC; and as ftfy
unescapes before that, NFC comes behind html.unescape (tokenizer.c says more). test/test_tokens.py imports this file.

The published merges are not copied into the repository. So this script learns a small set of merges of its own from
the very texts of the golden file; with them every step of the tokenizer is tested wherever the repository is.

tokens_small.txt has one text per line: the ids, start and end included, a tab, and the text's bytes, in which \\, bytes
below 0x20 and above 0x7e are written \\xHH. Only code points assigned in Unicode 14 (Python 3.11) are used, as the newer
versions of the tables and of regex know more.
"""
import collections
import html
import html.entities
import os
import random
import sys
import unicodedata

import regex

HERE = os.path.dirname(os.path.abspath(__file__))
PATTERN = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
START, END = "<|startoftext|>", "<|endoftext|>"


def byte_characters():
    """byte -> the character that stands for it; in the order of the vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {**{b: chr(b) for b in printable}, **{b: chr(256 + i) for i, b in enumerate(others)}}


CHARACTERS = byte_characters()


def decode(data):
    """bytes -> str; each byte that is no UTF-8 is one U+FFFD."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c for c in text)


def clean(text):
    text = html.unescape(html.unescape(text))
    text = unicodedata.normalize("NFC", text)
    return regex.sub(r"\s+", " ", text.strip()).strip().lower()


def words(text):
    """The words of a text as lists of byte characters, or as one of the special strings."""
    for word in PATTERN.findall(clean(text)):
        yield word if word in (START, END) else [CHARACTERS[b] for b in word.encode("utf-8")]


class Tokenizer:
    def __init__(self, merges):
        base = list(CHARACTERS.values())
        symbols = base + [c + "</w>" for c in base] + [a + b for a, b in merges] + [START, END]
        self.ids = {symbol: i for i, symbol in enumerate(symbols)}
        self.ranks = {pair: i for i, pair in enumerate(merges)}
        self.merges = merges
        self.known = {}

    def merge(self, characters):
        """The symbols of a word: as long as some pair has a rank, the lowest one is merged wherever it stands."""
        key = "".join(characters)
        if key in self.known:
            return self.known[key]
        symbols = [*characters[:-1], characters[-1] + "</w>"]
        while len(symbols) > 1:
            best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, 1 << 30))
            if best not in self.ranks:
                break
            symbols = apply_merge(symbols, best)
        self.known[key] = [self.ids[s] for s in symbols]
        return self.known[key]

    def encode(self, data, context=77):
        ids = [self.ids[START]]
        for word in words(decode(data)):
            ids += [self.ids[word]] if isinstance(word, str) else self.merge(word)
        ids.append(self.ids[END])
        return ids if len(ids) <= context else ids[:context - 1] + [self.ids[END]]


def apply_merge(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i:i + 2]) == pair:
            out.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def learn(texts, count):
    """The usual learning of byte pairs: the most frequent pair becomes a symbol, `count` times."""
    counts = collections.Counter()
    for text in texts:
        for word in words(decode(text)):
            if not isinstance(word, str):
                counts[(*word[:-1], word[-1] + "</w>")] += 1
    merges = []
    for _ in range(count):
        pairs = collections.Counter()
        for word, n in counts.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += n
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        new = collections.Counter()
        for word, n in counts.items():
            new[tuple(apply_merge(list(word), best)) if best[0] in word else word] += n
        counts = new
    return merges


# ---- texts ----

SENTENCES = """A photo of a fox.|It's, they're, I'VE, WE'LL, he'D, I'M, don'T, o'clock, 'tis, rock 'n' roll, 's, ''s, 'll
Ο ΟΔΥΣΣΕΥΣ ΕΙΔΕ ΤΗΝ ΙΘΑΚΗ.|ΣΑΣ|Σ|ΑΣ Σ ΣΑ|ΑΣ.|ΑΣ.Α|Α.Σ|Α.Σ.|ΌΣΟΣ’Σ|ΑΣ\u0301|ΑΣ\u0301Α|Α\u00adΣ|Α\u00adΣ\u00adΒ|1Σ|aΣ1|ΣΣ ΣΣΣ
Ελληνικά, ἀρχαῖα: Μῆνιν ἄειδε θεὰ Πηληϊάδεω Ἀχιλῆος|ΤΟ ᾼ ᾨ ΑΙ ᾳ\u0345 \u0345 !\u0345! α\u0345Σ
Съешь же ещё этих мягких французских булок, да выпей чаю|ЁЖИК Ѹ Ѡ Ҁ Ԁ Ꙁ|Українська ЇЖАК Ґрунт|Српски ЉУБАВ Ђ
İSTANBUL'DA IĞDIR, ığdır, İİ, I, ı, i̇|ÇOK GÜZEL ŞİŞE|Ǆ ǅ ǆ Ǳ ǲ|ẞ ß SS ſ 'ſ <|ſtartoftext|> ﬁ ﬀ ﬅ|Ŀ ŉ Kelvin K Å Ω
مرحبا بالعالم، هذا نص عربي طويل.|اَلْعَرَبِيَّةُ|٠١٢٣٤٥٦٧٨٩|ﷺ ﻼ|שָׁלוֹם עוֹלָם|שּׁ שׁ אּ|עברית 123
यह एक लंबा वाक्य है।|क़ख़ग़ ड़ ढ़|१२३|நல்ல தமிழ்|తెలుగు|ಕನ್ನಡ|മലയാളം ൧൨|বাংলা ড় ঢ়|ગુજરાતી|ਪੰਜਾਬੀ|සිංහල|ภาษาไทย สวัสดี ๑๒๓|ພາສາລາວ|မြန်မာ|ខ្មែរ ១២
བོད་ཡིག ༡༢ གྷ|ქართული ᲥᲐᲠᲗᲣᲚᲘ Ⴀ|ՀԱՅԵՐԵՆ և Եւ|አማርኛ ፩፪|ᏣᎳᎩ ꮳꮃꭹ|ᠮᠣᠩᠭᠣᠯ|ᓄᓇᕗᑦ|𐐀𐐨 𐒰𐓘 𞤀𞤢 𑢠𑣀|𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙 𝐀𝛀|Ⅷ ⅷ ↂ ⅓ ² ₂ ① ㊿ ㈠ 〇 一二三
漢字とひらがなとカタカナ、ﾊﾝｶｸ|パ ハ\u309a ガ カ\u3099|中文分詞測試，這是一個句子。|＂ＦＵＬＬ　ｗｉｄｔｈ１２３！＂|豈更車 \ufa10 \U0002f800|𠀀𪛖
한국어 문장입니다.|\u1112\u1161\u11ab\u1100\u116e\u11a8|\u1100\u1161 \u1100\u1161\u11a7 가\u11a8 각\u11a8|\u1113\u1161|ㄱㅏ
👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ ☃ 1️⃣ #️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿|!!! ??? ... -- --- ~~~ ((())) [{<>}] @#$%^&*|…—–‘’“”«»‹›†‡•|$3.50 €20 £5 50% 1,000.5 3/4 C++ C# a_b a-b
a\u0323\u0307 a\u0307\u0323 \u0307\u0323a q\u0307\u0323 q\u0323\u0307|D\u0307\u0323 \u1e0c\u0307|\u0344 \u0340 \u0343 \u0374 \u037e \u0387 \u1fef \u2126 \u212a \u212b \u2329 \u232a|\u0958 \u0f73 \u0f75 \u0f81 \u2adc \ufb1d \ufb2c \U0001d15e \U0001d1bb
e\u0301 E\u0301 e\u0301\u0302 e\u0302\u0301 ê\u0323|o\u0328\u0304 o\u0304\u0328 ǭ|\u0915\u093c \u09c7\u09be \u0b47\u0b3e \u1025\u102e \U00011131\U00011127|a\u0315\u0300\u05ae\u0062|a\u0305\u0301 a\u0301\u0305
 leading and trailing \t|\u00a0a\u1680b\u2000c\u2003d\u2028e\u2029f\u202fg\u205fh\u3000i\u0085j\u3000|a\x1cb\x1dc\x1ed\x1f|\x1c\x1d a \x1e\x1f|a\u200bb\ufeffc\u2060d\u180ee|\x01\x02a\x7f\u0080\u009f|   |a\vb\fc\td\u000de
<|startoftext|>|<|endoftext|>|<|STARTOFTEXT|>|a<|endoftext|>b|!<|startoftext|>|<|startoftext|> <|endoftext|><|endoftext|>|<|startoftext|<|endoftext|>|<start_of_text>|&lt;|endoftext|&gt;
</w> a</w> Ġ Ċ ĠĠ Ā ¡¢|a\\xb \\u0041 "quoted" `code` %s {0}"""

ENTITIES = """&amp; &lt;b&gt; &quot;x&quot; &apos;s &nbsp;|&amp;amp; &amp;lt; &amp;amp;amp; &amp;#233; &amp;eacute;|&amp &lt &gt &copy &copy2 &copyx; &notit; &notin; &not &noti &ampx
&eacute &eacute; &Eacute &EACUTE; &eacut; &e; &a &; & && &&amp;& &#; &#x; &#X; &#xg; &#a|&CounterClockwiseContourIntegral; &CounterClockwiseContourIntegra; &CounterClockwiseContourIntegral &ThickSpace;&nGt;&bne;&fjlig;
&#65; &#65 &#065B &#x41; &#x41 &#X4a;&#x4ag; &#x1F600; &#128512 &#0; &#00 &#x0;|&#128; &#x80; &#129; &#130; &#x8d &#x90; &#150 &#x99; &#159; &#160; &#173;|&#55296; &#xDFFF; &#x110000; &#1114111; &#x10fffe; &#99999999999999999999; &#xffffffffffffffffff; &#4294967361; &#x100000041;|&#1; &#8; &#9;&#10;&#11;&#12;&#13;&#14; &#31; &#127; &#64976; &#65534; &#65535; &#131070;x
e&#769; e&#x301; a&#803;&#775; &eacute;&#803; A&#x3a3; &#x3a3;|caf&eacute;s &Uuml;BER &szlig; &Sigma; A&Sigma; &sigmaf; &hearts; &frac12; &sup2; &times; &alpha;&beta;|&ltamp; &lt;amp; &am&#112;; &#38;amp; &#38;lt; &#38;#38;lt;
&sect1 &sectx &para &parallel; &micro &middot5 &Aacute&Agrave &yumlx &THORN &thorn; &ETHz &QUOT &quote; &reg= &reg; &deg1 &ordf &ordm! &acute;s &acutes
&unknown; &Unknown &thisisaverylongnamewhichdoesnotexistatall; &ampthisisaverylongnamewhichdoesnotexistatall; &gt&lt&gt;&lt; &\u00e9; &am\u0070; &amp\u037e"""


def prompts():
    """The sentences of the zero-shot ensemble for a few classes."""
    templates = ["a cropped photo of {}.", "a close-up photo of {}.", "a bright photo of {}.", "a dark photo of {}.",
                 "a jpeg corrupted photo of {}.", "a blurry photo of {}.", "a photo of {}.",
                 "a photo of {} for visual inspection."]
    states = ["{}", "flawless {}", "perfect {}", "unblemished {}", "{} without flaw", "{} without defect",
              "{} without damage", "damaged {}", "{} with flaw", "{} with defect", "{} with damage"]
    for name in ("object", "metal nut", "toothbrush"):
        for state in states:
            for i, template in enumerate(templates):
                yield template.format(("a ", "the ")[i % 2] + state.format(name))


def invalid_utf8():
    yield from (b"a\xffb", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x82x", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf0\x9f\x98",
                b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\x80\x81", b"x\xe2\x28\xa1y", b"\xf0\x28\x8c\xbc",
                b"\xfe\xff", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80",
                b"ok \xe2\x82\xac \xe2\x82 ok", b"&\xff;", b"'\xc5\xbf \xc5")


def assigned():
    """Code points that this Python's Unicode knows, without surrogates and without 0."""
    return [c for c in range(1, 0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]


def random_texts(source, count):
    """Mixtures: characters of all kinds, near each other what is treated specially."""
    known = assigned()
    moving = [c for c in known if unicodedata.normalize("NFC", chr(c)) != chr(c)
              or unicodedata.decomposition(chr(c))[:1] not in ("", "<")]
    marks = [c for c in known if unicodedata.combining(chr(c))]
    cased = [c for c in known if chr(c).lower() != chr(c)]
    numbers = [c for c in known if unicodedata.category(chr(c))[0] == "N"]
    special = [ord(c) for c in "ΣσςİIıſſ'’.:·\u00ad\u0345\u0301\u0307\u0323 \t\u00a0\u3000\x1c\u0085&;#<|>aAsSzZ09!?"
               "\u1100\u1161\u11a8\u200d\ufe0f"]
    names = [*html.entities.html5, "#x3a3;", "#769;", "#38", "amp;amp;", "amp;#x41"]
    pools = [known, moving, marks, cased, numbers, special, special, list(range(32, 127)), list(range(0x391, 0x3CA)),
             list(range(0x400, 0x450))]
    for i in range(count):
        pool = [source.choice(pools), source.choice(pools)]
        text = ""
        for _ in range(source.randint(1, 9)):
            what = source.random()
            if what < 0.05:
                text += "&" + source.choice(names)
            elif what < 0.08:
                text += source.choice(["'s", "'T", "'re", "'VE", "'m", "'LL", "'d", START, END, " "])
            else:
                text += chr(source.choice(source.choice(pool)))
        yield text.encode()


def texts(seed=1, count=1900):
    """All texts, as bytes without 0 inside; the same ones for the same seed."""
    source = random.Random(seed)
    yield b""
    for block in (SENTENCES, ENTITIES):
        for line in block.split("\n"):
            yield line.encode()
            for part in line.split("|"):
                yield part.encode()
    yield from (s.encode() for s in prompts())
    yield from invalid_utf8()
    names = sorted(html.entities.html5)
    for i in range(0, len(names), 16):  # every name, and each cut short by one character
        yield " ".join("&" + n for n in names[i:i + 16:2]).encode()
        yield "".join("&" + n[:-1] + "-" for n in names[i + 1:i + 16:2]).encode()
    yield from (b"word " * 100, b"a" * 1000, b"ab" * 300 + b"!" * 300, "é!1".encode() * 40, b"x" * 75)
    yield from (b"1" * 75, b"1" * 76, b"1" * 77)  # one id each: what fits, and what does not by one and two
    yield ("a" + "\u0301\u0323" * 60).encode()
    yield from random_texts(source, count)


def escape(data):
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in data)


def main():
    data = list(texts())
    merges = learn(data, 700)
    tokenizer = Tokenizer(merges)
    versions = f"Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}, regex {regex.__version__}"
    with open(os.path.join(HERE, "tokens_merges.txt"), "w", encoding="utf-8") as f:
        f.write("tokens_merges.txt#version: 0.2, learned by make_tokens.py\n" + "".join(f"{a} {b}\n" for a, b in merges))
    with open(os.path.join(HERE, "tokens_small.txt"), "w", encoding="ascii") as f:
        f.write(f"# {len(data)} texts by make_tokens.py; {versions}\n")
        for text in data:
            f.write(" ".join(map(str, tokenizer.encode(text))) + "\t" + escape(text) + "\n")
    print(len(data), "texts")


if __name__ == "__main__":
    main()
