#!/usr/bin/env python3
"""Writes pickle.txt: pickles by CPython's own pickler, in hexadecimal, each with the tree that convert/pickle.c must read from
it. Run in this folder with CPython 3.11 (Debian 12); test/test_pickle.c reads the result.

A tree in text: N T F for None, True, False; integers in decimal, L for one beyond 64 bits; f and %.17g; s or b and the
bytes of a string in hexadecimal; (a,b) [a,b] {a} for tuple, list and set; <k:v,...> for a dictionary; module.name for a
class; module.name(arguments)<items>state for what a class is called with; @ and the persistent id.
"""
import argparse
import collections
import io
import pickle


class Outside:
    """Pickled as a persistent id."""

    def __init__(self, id):
        self.id = id


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.id if isinstance(value, Outside) else None


def text(value):
    many = lambda values: ",".join(map(text, values))
    pairs = lambda value: "<" + ",".join(f"{text(k)}:{text(v)}" for k, v in value.items()) + ">"
    if value is None or value is True or value is False:
        return {None: "N", True: "T", False: "F"}[value]
    if isinstance(value, int):
        return str(value) if -2 ** 63 <= value < 2 ** 63 else "L"
    if isinstance(value, float):
        return "f%.17g" % value
    if isinstance(value, (str, bytes)):
        return "s" + value.encode().hex() if isinstance(value, str) else "b" + value.hex()
    if isinstance(value, tuple):
        return f"({many(value)})"
    if isinstance(value, list):
        return f"[{many(value)}]"
    if isinstance(value, (set, frozenset)):
        return f"{{{many(value)}}}"
    if isinstance(value, collections.OrderedDict):
        return "collections.OrderedDict()" + pairs(value) + (pairs(vars(value)) if vars(value) else "")
    if isinstance(value, dict):
        return pairs(value)
    if isinstance(value, Outside):
        return "@" + text(value.id)
    if isinstance(value, argparse.Namespace):
        return "argparse.Namespace()<>" + pairs(vars(value))
    return value.__module__ + "." + value.__qualname__


def main():
    ordered = collections.OrderedDict([("weight", Outside(("storage", collections.OrderedDict, "0", "cpu", 12))), ("bias", (2, 3))])
    ordered._metadata = {"": {"version": 1}}
    shared = ["shared"]
    values = [None, True, 0, 255, 256, 65535, 65536, 2 ** 31 - 1, -1, -2 ** 31, 2 ** 31, -2 ** 31 - 1, 2 ** 63 - 1, -2 ** 63, 2 ** 63, -2 ** 63 - 1, 2 ** 70,
              0.0, -1.5, 1e300, 5e-324, "", "a", "\u00e9\u20ac\U0001f600", "x" * 255, "x" * 256, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1], [1, 2],
              {}, {"a": 1}, {"a": 1, "b": {"c": [2]}}, [shared, shared, (shared,)], ordered, argparse.Namespace(lr=0.5, name="x"),
              {"many": list(range(1100))}]
    later = [b"", b"\0\xff", b"y" * 256]  # protocol 2 has no bytes
    with open("pickle.txt", "w") as f:
        for protocol in (2, 3, 4, 5):
            for value in values + (later if protocol > 2 else []) + ([{7}, frozenset(["f"]), set()] if protocol > 3 else []):
                if protocol not in (2, 4) and len(text(value)) > 200:
                    continue
                buffer = io.BytesIO()
                Pickler(buffer, protocol).dump(value)
                f.write(f"{buffer.getvalue().hex()} {text(value)}\n")


if __name__ == "__main__":
    main()
