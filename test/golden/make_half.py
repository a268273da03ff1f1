#!/usr/bin/env python3
"""Writes half.txt: conversions between floats and the two 16-bit formats, by numpy (f16) and PyTorch (bf16).

First two lines: the CRC-32 of the 65536 little-endian floats that all f16 and all bf16 bit patterns widen to.
Then one line per float: its bits, the bits of its f16, the bits of its bf16, hexadecimal.
"""
import os
import sys
import zlib

import numpy as np
import torch

every = np.arange(65536, dtype=np.uint32)
wide16 = every.astype(np.uint16).view(np.float16).astype(np.float32)
wide_b = torch.from_numpy(every.astype(np.uint16).view(np.int16)).view(torch.bfloat16).float().numpy()

rng = np.random.default_rng(1)
bits = [0, 0x80000000, 0x7f800000, 0xff800000, 0x3f800000, 0x7f7fffff, 0x00000001, 0x007fffff, 0x7f7f7fff, 0x7f7f8000]
for exponent in range(95, 145):  # around f16's subnormals, normals and overflow, at and beside the rounding ties
    for mantissa in (0, 1, 0x1000, 0x1001, 0x0fff, 0x3000, 0x7fffff, 0x7ff000, 0x7fefff, int(rng.integers(1 << 23))):
        bits.append(int(rng.integers(2)) << 31 | exponent << 23 | mantissa)
bits += [int(b) for b in rng.integers(0, 1 << 32, 200) if b & 0x7f800000 != 0x7f800000]
bits = np.array(bits, dtype=np.uint32)
floats = bits.view(np.float32)
with np.errstate(over="ignore"):
    half = floats.astype(np.float16).view(np.uint16)
brain = torch.from_numpy(floats.copy()).bfloat16().view(torch.int16).numpy().view(np.uint16)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "half.txt")
with open(path, "w") as f:
    f.write(f"# by make_half.py, numpy {np.__version__}, torch {torch.__version__}\n")
    f.write(f"{zlib.crc32(wide16.astype('<f4').tobytes()):08x}\n{zlib.crc32(wide_b.astype('<f4').tobytes()):08x}\n")
    for row in zip(bits, half, brain):
        f.write("%08x %04x %04x\n" % row)
sys.stdout.write(f"{path}: {len(bits)} floats\n")
