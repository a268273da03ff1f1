#!/usr/bin/python3
"""Writes base/unicode_data.h and base/entities_data.h, the tables of unicode.c and entities.c.

    base/make_unicode.py            (from the checkout's root; needs Debian's package unicode-data)

Sources: the Unicode Character Database in /usr/share/unicode (UnicodeData.txt, DerivedCoreProperties.txt,
DerivedNormalizationProps.txt, PropList.txt, SpecialCasing.txt) and the HTML standard's list of named character
references as Python carries it (html.entities.html5). The two headers are kept in the repository, so building
needs neither; run this again to move to another version of Unicode.
"""
import html.entities
import os
import re

UCD = "/usr/share/unicode"
HERE = os.path.dirname(os.path.abspath(__file__))


def read_ucd(name):
    """Each line's fields, comments and empty lines left out."""
    with open(os.path.join(UCD, name), encoding="utf-8") as f:
        for line in f:
            fields = [field.strip() for field in line.split("#")[0].split(";")]
            if fields != [""]:
                yield fields


def points(field):
    first, _, last = field.partition("..")
    return range(int(first, 16), int(last or first, 16) + 1)


def read_property(name, wanted):
    return {c for fields in read_ucd(name) if fields[1] == wanted for c in points(fields[0])}


def read_unicode_data():
    """code point -> fields of UnicodeData.txt; its First/Last pairs of lines are filled in."""
    table, first = {}, None
    for fields in read_ucd("UnicodeData.txt"):
        code = int(fields[0], 16)
        if fields[1].endswith("First>"):
            first = code
        else:
            for c in range(code if first is None else first, code + 1):
                table[c] = fields
            first = None
    return table


def runs(codes, same=lambda a, b: True):
    """Sorted code points -> [first, last] of unbroken stretches within which same(a, b) holds."""
    out = []
    for c in sorted(codes):
        if out and out[-1][1] == c - 1 and same(out[-1][0], c):
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def lower_runs(lower):
    """{code: lower case} -> [first, last, step, delta] with step 1 or 2."""
    out = []
    for c in sorted(lower):
        delta = lower[c] - c
        if out:
            first, last, step, run_delta = out[-1]
            if delta == run_delta and (c - last == step or (first == last and c - last <= 2)):
                out[-1] = [first, c, c - last, delta]
                continue
        out.append([c, c, 1, delta])
    # A run must not enclose another's code points: lookup takes the first run that ends at or behind c.
    assert all(a[1] < b[0] for a, b in zip(out, out[1:]))
    return out


def c_table(declaration, items):
    """A C array, lines filled up to 118 characters."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    return f"static const {declaration} = {{\n" + "\n".join(lines + [line]) + "\n};\n"


def braces(*numbers):
    return "{" + ",".join(n if isinstance(n, str) else str(n) if n < 10 else f"{n:#x}" for n in numbers) + "}"


def unicode_header():
    with open(f"{UCD}/DerivedCoreProperties.txt", encoding="utf-8") as f:
        version = re.search(r"-([\d.]+)\.txt", f.readline()).group(1)
    data, derived = read_unicode_data(), "DerivedCoreProperties.txt"
    excluded = read_property("DerivedNormalizationProps.txt", "Full_Composition_Exclusion")
    combining = {c: int(f[3]) for c, f in data.items() if f[3] != "0"}
    lower = {c: int(f[13], 16) for c, f in data.items() if f[13]}
    special = [f for f in read_ucd("SpecialCasing.txt") if len(f) == 5 and len(f[1].split()) > 1]
    assert [f[0] for f in special] == ["0130"], "unicode.c knows one unconditional lower case of several code points"
    del lower[0x130]

    parts = {c: [int(p, 16) for p in f[5].split()] for c, f in data.items() if f[5] and not f[5].startswith("<")}
    parts = {c: p + [0] * (2 - len(p)) for c, p in parts.items()}
    assert all(len(p) == 2 and p[1] not in parts for p in parts.values())
    codes = sorted(parts)
    composing = sorted((i for i, c in enumerate(codes) if c not in excluded), key=lambda i: parts[codes[i]])
    # NFC is skipped for texts below U+0300: no marks there, and nothing that decomposes for good.
    assert not any(c < 0x300 for c in excluded | set(combining))

    classes = runs(combining, lambda a, b: combining[a] == combining[b])

    def ranges(name, codes):
        return c_table(f"Range {name}[]", (braces(*r) for r in runs(codes)))

    return "\n".join([
        f"""/* Tables of unicode.c, written by make_unicode.py from the Unicode Character Database, version {version}
 * (copyright Unicode, Inc.; https://www.unicode.org/terms_of_use.html). Do not edit. */
""",
        "/* General category L. */\n" + ranges("letter_ranges", (c for c, f in data.items() if f[2][0] == "L")),
        "/* General category N. */\n" + ranges("number_ranges", (c for c, f in data.items() if f[2][0] == "N")),
        "/* White_Space. */\n" + ranges("space_ranges", read_property("PropList.txt", "White_Space")),
        "/* Cased. */\n" + ranges("cased_ranges", read_property(derived, "Cased")),
        "/* Case_Ignorable. */\n" + ranges("case_ignorable_ranges", read_property(derived, "Case_Ignorable")),
        "/* Canonical combining classes other than 0. */\n"
        + c_table("ClassRange class_ranges[]", (braces(a, b, str(combining[a])) for a, b in classes)),
        "/* Lower case, but for U+0130. */\n"
        + c_table("LowerRange lower_ranges[]", (braces(a, b, s, str(d)) for a, b, s, d in lower_runs(lower))),
        "/* Canonical decompositions by code point. */\n"
        + c_table("Decomposition decompositions[]", (braces(c, *parts[c]) for c in codes)),
        "/* Indices into decompositions, by (first, second): those that composition undoes. */\n"
        + c_table("uint16_t compositions[]", (str(i) for i in composing)),
    ])


def entities_header():
    table = html.entities.html5
    names = sorted({name.rstrip(";") for name in table})
    assert all(name + ";" in table and table.get(name, table[name + ";"]) == table[name + ";"] for name in names)
    assert all(len(table[name + ";"]) <= 2 <= len(name) and name.isascii() and name.isalnum() for name in names)
    rows = []
    for name in names:
        value = [ord(c) for c in table[name + ";"]]
        rows.append(braces(f'"{name}"', *(value + [0] * (2 - len(value))), str(int(name in table))))
    return f"""/* Table of entities.c, written by make_unicode.py from the named character references of the HTML standard
 * (https://html.spec.whatwg.org/multipage/named-characters.html), {len(table)} of them: the name, one or two code points,
 * and 1 where the name also counts without the semicolon. Sorted by byte value. Do not edit. */

#define LONGEST_NAME {max(map(len, names))}

""" + c_table("Entity entities[]", rows)


def main():
    for name, text in (("unicode_data.h", unicode_header()), ("entities_data.h", entities_header())):
        with open(os.path.join(HERE, name), "w", encoding="utf-8") as f:
            f.write(text)
        print(name, len(text), "bytes")


if __name__ == "__main__":
    main()
