#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The figures that README.md shows, out of the reports in docs/results/.

usage: summary.py [--check]

Writes docs/results/summary.md, and puts its table into README.md between the lines
BEGIN and END. With --check writes nothing, and fails if either is not what it would be.
"""

import argparse
import os
import re
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BEGIN = "<!-- generated: bench/readahead/summary.py -->"
END = "<!-- end of what is generated -->"
DEVICES = ("nvme", "cloud")

INTRO = """\
# The figures in short

Made by `bench/readahead/summary.py` out of [readahead.md](readahead.md) and
[readahead-fits.md](readahead-fits.md): how many times faster reads are with the network that
is shipped, held in recommendation mode; below 1 it is slower. nvme: {nvme}; cloud: {cloud}.
"""


class Report:
    """The tables of one report: rows of cells, by device and title."""

    def __init__(self, name):
        self.name = name
        self.tables, self.titles = {}, {}
        device = title = None
        with open(os.path.join(TOP, "docs/results", name), encoding="utf-8") as file:
            for line in file:
                if line.startswith("## "):
                    device, _, model = line[3:].strip().partition(": ")
                    self.titles[device] = model
                    title = None
                elif line.startswith("**"):
                    title = line.strip(" *\n")
                elif line.startswith("|") and not line.startswith("|---"):
                    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
                    self.tables.setdefault((device, title), []).append(cells)

    def cell(self, device, title, row, column):
        """What stands in a row, which its first cell names, under a column's name."""
        for (d, t), rows in self.tables.items():
            if d != device or not (t or "").startswith(title):
                continue
            for cells in rows[1:]:
                if cells[0] == row:
                    return cells[rows[0].index(column)]
        raise SystemExit(f"{self.name} has no \"{column}\" of \"{row}\" for {device}")

    def target(self, device, what):
        for cells in self.tables["Targets", None]:
            if cells[:2] == [device, what]:
                return cells[3]
        raise SystemExit(f"{self.name} has no target \"{what}\" for {device}")

    def ratio(self, device, load, other):
        return self.cell(device, "How many times faster", load, other).split()[0]

    def us(self, device, load, policy):
        return float(self.cell(device, "Microseconds", load, policy).split()[0])


def two_digits(text):
    """A target's figure as the other tables print theirs."""
    return re.sub(r"(\d\.\d{3})x", lambda m: f"{float(m[1]):.2f}x", text)


def rows():
    bench, fits = Report("readahead.md"), Report("readahead-fits.md")

    def cells(what, figure):
        return [what, *(figure(device) for device in DEVICES)]

    def mean(device, what):
        return two_digits(bench.target(device, what))

    def fitting(device):
        times = (fits.us(device, "fits-rand-mmap", "default") /
                 fits.us(device, "fits-rand-mmap", "auto"))
        return (f"{fits.ratio(device, 'fits-rand-mmap', 'default')} "
                f"(left to the mode machine: {times:.2f}x)")

    yield cells("single loads against the kernel's default, mean",
                lambda d: mean(d, "single loads, mean"))
    yield cells("the same against the best single static window",
                lambda d: mean(d, "single loads against the best single static, mean"))
    yield cells("mixed or changing loads against the default, mean",
                lambda d: mean(d, "mixed or changing, mean"))
    yield cells("RocksDB, random reads by mmap", lambda d: bench.ratio(d, "rr-mmap", "default"))
    yield cells("RocksDB, a backward scan by pread",
                lambda d: bench.ratio(d, "rev-pread", "default"))
    yield cells("least of these loads",
                lambda d: bench.target(d, "least of all loads, in recommendation mode"))
    yield cells("**loss**: RocksDB, a forward scan by pread, against its best static window",
                lambda d: bench.ratio(d, "seq-pread", "best static"))
    yield cells("**loss**: random reads by mmap, data that fits in memory", fitting)


def table():
    yield "| loads | nvme | cloud |"
    yield "|---|---|---|"
    for cells in rows():
        yield "| " + " | ".join(cells) + " |"


def put(path, text, check):
    """Write TEXT, or with CHECK say whether it is there."""
    if not check:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return True
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return True
    print(f"{os.path.relpath(path, TOP)} is not what bench/readahead/summary.py makes")
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    models = Report("readahead.md").titles
    lines = "\n".join(table()) + "\n"
    intro = INTRO.format(**{d: models[d] for d in DEVICES})
    good = put(os.path.join(TOP, "docs/results/summary.md"), f"{intro}\n{lines}", check)
    readme = os.path.join(TOP, "README.md")
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END + "\n")
    if not begin or not end:
        raise SystemExit(f"README.md has no lines \"{BEGIN}\" and \"{END}\"")
    good = put(readme, f"{before}{begin}{lines}{end}{after}", check) and good
    sys.exit(not good)


if __name__ == "__main__":
    main()
