#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where instructions went: what profile.so wrote, by function.

    profile.py PROFILE KALLSYMS [--blocks FUNCTION]

A line a function: instructions, share, name. With --blocks, those of one function's blocks,
by their offset in it, as objdump shows them.
"""
import bisect
import collections
import sys


def read_symbols(path):
    symbols = []
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            words = line.split()
            if words[1] in "tTwW":
                module = words[3] if len(words) > 3 else ""
                symbols.append((int(words[0], 16), words[2], module))
    symbols.sort()
    return symbols


def main(args):
    symbols = read_symbols(args[1])
    starts = [s[0] for s in symbols]
    wanted = args[3] if len(args) > 3 else None
    by_function = collections.Counter()
    blocks = collections.Counter()
    with open(args[0], encoding="ascii") as lines:
        for line in lines:
            address, _, insns, runs = line.split()
            address = int(address, 16)
            at = bisect.bisect_right(starts, address) - 1
            name = " ".join(symbols[at][1:]) if at >= 0 else "?"
            by_function[name] += int(insns) * int(runs)
            if wanted and symbols[at][1] == wanted:
                blocks[address - symbols[at][0], int(insns)] += int(runs)
    total = sum(by_function.values())
    if wanted:
        for (offset, insns), runs in sorted(blocks.items()):
            print(f"+0x{offset:<6x} {insns:4d} instructions, {runs} times")
        return
    for name, n in by_function.most_common(40):
        print(f"{n:12d} {100 * n / total:5.1f} %  {name}")


if len(sys.argv) not in (3, 5):
    sys.exit(__doc__)
main(sys.argv[1:])
