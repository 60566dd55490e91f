#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The report of bench-readahead, out of what its guests printed.

usage: report.py [--command TEXT] --kernel NAME --seeds LIST --set NAME --out DIR --name NAME
                 --data DIR [--models] DEVICE=BASE_US:MBPS=LOG...

With --models, prints how many times faster than the default each model is, and
writes nothing. Else writes OUT/NAME.md, and DATA/plot-DEVICE.dat for results.gp. What
the lines of a LOG are, and how policies are compared: results.py.
"""

import argparse
import math
import os
import re

from results import Device, window

POLICIES = [
    ("static", "best static"),
    ("single", "best single"),
    ("rule", "rule"),
    ("corrected", "corrected"),
    ("oracle", "oracle"),
    ("mlproxy", "network"),
    ("tree", "tree"),
    ("auto", "auto"),
]
ROCKSDB = re.compile(r"(rr|scan|seq|rev|db|v-db)-")
SEVERAL = re.compile(r"(v-)?(mix|phases)")


def policies(device):
    return [(p, n) for p, n in POLICIES if any(device.find(w, p) for w in device.loads)]


def classes(device):
    single = [w for w in device.loads if not SEVERAL.match(w)]
    return [
        ("single loads", single),
        ("single loads, no advice", [w for w in single if not w.endswith("-advice")]),
        ("RocksDB's loads", [w for w in single if ROCKSDB.match(w)]),
        ("mixed or changing loads", [w for w in device.loads if SEVERAL.match(w)]),
    ]


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def header(*cells):
    return [row(*cells), "|" + "---|" * len(cells)]


def figure(x):
    return "–" if x is None else f"{x:.2f}" if x < 1000 else f"{x:.0f}"


def times(x, digits=2):
    """How many times faster; with 3 digits where it is held against a bound."""
    return f"{x:.{digits}f}x" if x < 10 else f"{x:.1f}x"


def interval(r):
    return "–" if not r else f"{times(r.mean)} [{r.low:.2f}, {r.high:.2f}]"


def table_times(d):
    took = ["oracle took"] if d.choice else []
    yield from header("load", "default", *(n for _, n in policies(d)), *took)
    for w in d.loads:
        cells = [w, figure(d.us(w, "default"))]
        for p, _ in policies(d):
            cell = figure(d.us(w, p))
            if p == "static":
                cell += f" ({window(d.find(w, p))})"
            elif p == "auto" and w in d.mode:
                cell += f" ({d.mode[w]})"
            cells.append(cell)
        if took:
            cells.append(d.choice.get(w, "–"))
        yield row(*cells)


def table_ratios(d):
    others = [(p, n) for p, n in policies(d) if p in
              ("static", "single", "rule", "corrected", "oracle", "tree")]
    yield from header("load", "default", *(n for _, n in others))
    for w in d.loads:
        yield row(w, interval(d.ratio(w, "mlproxy", "default")),
                  *(interval(d.ratio(w, "mlproxy", p)) for p, _ in others))


def table_pages(d):
    yield from header("load", "default", *(n for _, n in policies(d)))
    for w in d.loads:
        yield row(w, figure(d.pages(w, "default")),
                  *(figure(d.pages(w, p)) for p, _ in policies(d)))


def table_means(d):
    yield from header("against the default", *(n for _, n in policies(d)))
    for name, loads in classes(d):
        cells = []
        for p, _ in policies(d):
            s = d.summary(loads, p, "default")
            cells.append(f"{times(s[0])}, least {times(s[1][0])} ({s[1][1]})" if s else "–")
        yield row(f"{len(loads)} {name}", *cells)


def device_section(d, picture):
    yield f"## {d.title}"
    yield ""
    yield f"![{d.title}]({picture})"
    yield ""
    if d.single:
        yield f"Best single static window: {window(d.single)}."
        yield ""
    if d.skipped:
        yield f"Not run here: {', '.join(d.skipped)}."
        yield ""
    for title, table in (
            ("Microseconds per operation, geometric mean over the seeds", table_times),
            ("How many times faster mlproxy with the network is [95 %]", table_ratios),
            ("Pages read for each page used", table_pages),
            ("Geometric means", table_means)):
        yield f"**{title}**"
        yield ""
        yield from table(d)
        yield ""


class Targets:
    """Each target with what was measured."""

    def __init__(self, device):
        self.d = device
        self.sets = dict(classes(device))

    def line(self, what, bound, value, note=""):
        if value is None:
            return row(self.d.name, what, f"≥ {bound:.2f}x", "not measured", "–")
        verdict = "met" if value >= bound else f"**missed** by {bound - value:.3f}"
        return row(self.d.name, what, f"≥ {bound:.2f}x", f"{times(value, 3)}{note}", verdict)

    def mean(self, what, name, other, bound):
        s = self.d.summary(self.sets[name], "mlproxy", other)
        return self.line(what, bound, s[0] if s else None)

    def least(self, what, loads, bound, policy="mlproxy"):
        s = self.d.summary(loads, policy, "default")
        return self.line(what, bound, s[1][0] if s else None, f" ({s[1][1]})" if s else "")

    def load(self, what, load, bound):
        r = self.d.ratio(load, "mlproxy", "default")
        return self.line(what, bound, r.mean if r else None)

    def useless(self):
        """Loads on which the network is worse than the default, and where it ended."""
        d = self.d
        bad = [w for w in d.loads if w in d.mode and d.find(w, "mlproxy") and
               d.ratio(w, "mlproxy", "default").high < 1]
        what = "where the network is worse: it ends in learning or emergency, at"
        if not bad:
            return row(d.name, what, "≥ 0.99x", "no such load", "met" if d.mode else "–")
        stays = [w for w in bad if d.mode[w] not in ("learning", "emergency")]
        s = d.summary(bad, "auto", "default")
        ok = not stays and s[1][0] >= 0.99
        note = f"; elsewhere: {', '.join(stays)}" if stays else ""
        return row(d.name, what, "≥ 0.99x", f"least {times(s[1][0], 3)} ({s[1][1]}){note}",
                   "met" if ok else "**missed**")

    def lines(self):
        cloud = self.d.name == "cloud"
        yield self.mean("single loads, mean", "single loads", "default", 1.75 if cloud else 1.45)
        yield self.mean("single loads against the best single static, mean", "single loads",
                        "single", 1.3)
        yield self.load("RocksDB readrandom by mmap", "rr-mmap", 2.3)
        yield self.load("RocksDB readreverse by pread", "rev-pread", 12 if cloud else 3.5)
        yield self.least("least of RocksDB's loads", self.sets["RocksDB's loads"], 0.98)
        several = "mixed or changing loads"
        yield self.mean("mixed or changing, mean", several, "default", 1.3)
        yield self.mean("mixed or changing against the best static of each, mean", several,
                        "static", 1.1)
        yield self.least("least of mixed or changing", self.sets[several], 0.98)
        yield self.least("least of all loads, in recommendation mode", self.d.loads, 0.97)
        yield self.least("least of all loads, the mode machine left to itself", self.d.loads,
                         0.97, "auto")
        yield self.useless()


def targets(devices):
    yield "## Targets"
    yield ""
    yield from header("device", "what", "target", "measured", "")
    for d in devices:
        if d.name in ("nvme", "cloud"):
            yield from Targets(d).lines()
    yield ""
    yield "The cost when loaded and idle, and memory: `bench/readahead/cost` measures them."
    yield ""


# What the columns are; those that were not measured are left out.
LEGEND = [
    ("default", "**default**: the kernel's window of 128 KB."),
    ("static", "**best static**: the best window of a sweep from none to 4 MB, for each load; the "
               "default\n  is one of them."),
    ("single", "**best single**: the one window with the best geometric mean over all single "
               "loads."),
    ("rule", "**rule**: double or halve by what the last window brought, a hand-made program in "
             "eBPF."),
    ("corrected", "**corrected**: the kernel's algorithm, its count of mmap misses corrected, for "
                  "loads that\n  use mmap: what is gained without learning."),
    ("oracle", "**oracle**: the best of the proxy's actions for each load, chosen on another seed; "
               "by\n  coordinate descent for each file or kind of phase where a load has several."),
    ("mlproxy", "**network**: mlproxy with the network that is shipped, held in recommendation "
                "mode."),
    ("tree", "**tree**: the same with the trees that are shipped."),
    ("auto", "**auto**: the network again, with the mode machine left to itself, from learning "
             "mode on;\n  the mode that it ended in is beside it. It carries on from run to run, and meets "
             "each load\n  up to eight times, with other seeds, before the runs that count."),
]

INTRO = """\
Made by one command, `{command}`:
Linux {kernel}, seeds {seeds}, the same for every policy, in one run for each device model. The loads are those of
{loads}.
Time counts instructions (1 ns each), so a CPU is dearer against a disk than on real hardware: compare
ratios, and look at the pages. Memory is limited to 32 MB, less than what a load reads.

{policies}

Names end in "-mmap" or "-pread" by how is read, and in "-advice" where RocksDB itself gives
the kernel advice, which mlproxy respects. "Pages used" is what is read without readahead.
"""


def compare_models(d):
    """The lines of one device: a row a load, a column a model."""
    models = sorted({p for _, p in d.runs if not p.isdigit()})
    lines = [d.title, "", *header("load", "default us", *models)]
    for w in d.loads:
        lines.append(row(w, figure(d.us(w, "default")),
                         *(interval(d.ratio(w, m, "default")) for m in models)))
    sums = [d.summary(d.loads, m, "default") for m in models]
    lines.append(row("geometric mean", "", *(times(s[0]) for s in sums)))
    lines.append(row("least", "", *(f"{times(s[1][0])} ({s[1][1]})" for s in sums)))
    return lines + [""]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", default="scripts/bench-readahead")
    for name in ("kernel", "seeds", "set", "out", "name", "data"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--models", action="store_true")
    parser.add_argument("device", nargs="+")
    args = parser.parse_args()
    devices = [Device(spec) for spec in args.device]
    if args.models:
        print("\n".join(line for d in devices for line in compare_models(d)))
        return
    loads = ("`bench/readahead/loads-test.sh`, which nothing was trained, chosen or tuned with"
             if args.set == "test" else "`bench/readahead/loads-validate.sh`")
    measured = {"default"}.union(p for d in devices for p, _ in policies(d))
    legend = "\n".join(f"- {text}" for p, text in LEGEND if p in measured)
    out = [f"# Readahead, Linux {args.kernel}", "",
           INTRO.format(kernel=args.kernel, seeds=args.seeds, command=args.command, loads=loads,
                        policies=legend)]
    if args.set == "test":
        out += targets(devices)
    for d in devices:
        out += device_section(d, f"{args.name}-{d.name}.png")
        with open(os.path.join(args.data, f"plot-{d.name}.dat"), "w", encoding="utf-8") as plot:
            for n, w in enumerate(reversed(d.loads)):
                ratio = {p: d.ratio(w, p, "default") for p, _ in POLICIES}
                values = [ratio[p].mean if ratio[p] else math.nan
                          for p in ("static", "rule", "oracle")]
                values += ratio["mlproxy"] or [math.nan] * 3
                print(n, w, *(f"{v:.4f}" for v in values), file=plot)
    with open(os.path.join(args.out, f"{args.name}.md"), "w", encoding="utf-8") as report:
        print("\n".join(out).rstrip(), file=report)
    print("\n".join(targets(devices) if args.set == "test" else table_means(devices[0])))


if __name__ == "__main__":
    main()
