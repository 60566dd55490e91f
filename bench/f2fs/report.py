#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The reports of scripts/bench-f2fs, out of its runs' logs.

usage: report.py policies|evaluator|features --dir DIR --out DIR --command TEXT

A run is DIR/STAGE/LOAD-SEED-LEVEL-DEVICE-POLICY/log; STAGE is "evaluator" or
"stock-KERNEL". What is counted: the difference of the two COUNTERS lines. Writes
OUT/f2fs-NAME.md.
"""

import argparse
import collections
import glob
import math
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "harness"))
from results import T975  # noqa: E402

BLOCK = 4096
ALL_FEATURES = "both-used=53"
HUMAN = ("greedy", "greedy-hot0", "cb", "cb-hot0", "cb-noboost")
NAMES = {
    "cb": "cost-benefit", "cb-hot0": "cost-benefit, min_hot_blocks 0",
    "greedy-hot0": "greedy, min_hot_blocks 0",
    "cb-noboost": "cost-benefit, gc_boost_gc_greedy 0",
    "sepbit": "SepBIT-like", "place": "learned placement", "victims": "learned victims",
    "both": "both learned", "expected": "expected-lifetime oracle", "exact": "clairvoyant",
}
ORDER = [*HUMAN, "sepbit", "place", "victims", "both", "expected", "exact"]

Run = collections.namedtuple("Run", "data moved calls wa wa_data p99_write p99_sync")


def counters(line):
    return {k: int(v) for k, v in (word.split("=") for word in line.split()[2:])}


def read_run(path):
    """None of one that did not come to its end."""
    ends, times, done = {}, None, False
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if line.startswith("COUNTERS "):
                ends[line.split()[1]] = counters(line)
            elif line.startswith("WRITELOAD,"):
                times = line.rstrip().split(",")
            done = line == "FINISHED\n"
    if not done or len(ends) != 2 or not times:
        return None
    d = {k: v - ends["begin"][k] for k, v in ends["end"].items()}
    # what is moved in the background is written, and counted, as data
    data = d["fs_data"] - d["moved_bg"] * BLOCK
    return Run(data=data // BLOCK, moved=d["moved_fg"] + d["moved_bg"],
               calls=d["gc_all"] - d["gc_bg"], wa=d["sectors"] * 512 / data,
               wa_data=(d["fs_data"] + d["fs_gc_data"]) / data,
               p99_write=int(times[3]), p99_sync=int(times[4]))


def lengths(path):
    """How much was written before what counts, and in it; percent of the space."""
    with open(path, encoding="utf-8") as settings:
        words = dict(w.split("=", 1) for w in settings.readline().split())
    return f"{words['warm']} % of that space written before what counts, {words['measure']} % in it"


class Results:
    """runs[stage][device, level, load, policy][seed]"""

    def __init__(self, directory):
        self.runs = collections.defaultdict(lambda: collections.defaultdict(dict))
        self.lengths = set()
        for path in sorted(glob.glob(os.path.join(directory, "*", "*", "log"))):
            stage, name = path.split(os.sep)[-3:-1]
            load, seed, level, device, policy = name.split("-", 4)
            run = read_run(path)
            if run:
                self.lengths.add(lengths(os.path.join(os.path.dirname(path), "settings")))
                self.runs[stage][device, int(level), load, policy][int(seed)] = run

    def places(self, stage):
        return sorted({key[:2] for key in self.runs[stage]})

    def loads(self, stage, place):
        return sorted({key[2] for key in self.runs[stage] if key[:2] == place})

    def policies(self, stage, place):
        have = {key[3] for key in self.runs[stage] if key[:2] == place}
        return [p for p in ORDER if p in have]

    def of(self, stage, place, load, policy):
        return self.runs[stage].get((*place, load, policy), {})


def mean_log(values):
    """Geometric mean and Student's interval of ratios; (mean, low, high)."""
    logs = [math.log(max(v, 1e-9)) for v in values]
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return math.exp(mean), None, None
    half = T975[min(len(logs), 10) - 2] * statistics.stdev(logs) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)


def ratio(mine, base, of):
    """Of two policies' runs, seed by seed."""
    pairs = [(getattr(mine[s], of), getattr(base[s], of)) for s in mine if s in base]
    return mean_log([a / b for a, b in pairs if b]) if any(b for _, b in pairs) else None


def percent(r):
    if not r:
        return "–"
    text = f"{(r[0] - 1) * 100:+.1f} %"
    return text if r[1] is None else \
        text + f" [{(r[1] - 1) * 100:+.1f}, {(r[2] - 1) * 100:+.1f}]"


def mean_of(runs, of):
    return statistics.fmean(getattr(r, of) for r in runs.values())


def row(*cells):
    return "| " + " | ".join(str(c) for c in cells) + " |"


def header(*cells):
    return [row(*cells), "|" + "---|" * len(cells)]


def title(place):
    kind, *sizes = place[0].split(":")
    what = f"conventional, mode=lfs, {sizes[0]} MB" if kind == "lfs" else \
        f"zoned, {sizes[0]} MB, zones of {sizes[1]} MB"
    return f"{what}; {place[1]} % of what users have"


def best_human(results, stage, place, load):
    runs = {p: results.of(stage, place, load, p) for p in HUMAN}
    runs = {p: r for p, r in runs.items() if r}
    return min(runs, key=lambda p: mean_of(runs[p], "moved")) if runs else None


def policies_of_load(results, place, load):
    best = best_human(results, "evaluator", place, load)
    if not best:
        return
    base = results.of("evaluator", place, load, best)
    yield f"**{load}**, seeds {', '.join(map(str, sorted(base)))}; " \
          f"ratios to {NAMES.get(best, best)}, the best of the kernel's own"
    yield ""
    yield from header("policy", "migrated", "per block written", "migrated, of the best",
                      "write amplification", "of the best", "of data", "foreground calls",
                      "p99 fsync, us")
    for p in results.policies("evaluator", place):
        runs = results.of("evaluator", place, load, p)
        if not runs:
            continue
        moved = mean_of(runs, "moved")
        yield row(NAMES.get(p, p), f"{moved:.0f}", f"{moved / mean_of(runs, 'data'):.2f}",
                  percent(ratio(runs, base, "moved")), f"{mean_of(runs, 'wa'):.2f}",
                  percent(ratio(runs, base, "wa")), f"{mean_of(runs, 'wa_data'):.2f}",
                  f"{mean_of(runs, 'calls'):.0f}", f"{mean_of(runs, 'p99_sync') / 1000:.0f}")
    yield ""


def means_of_policies(results, place, loads):
    yield from header("geometric mean", "of so many loads", "migrated", "write amplification",
                      "worst load, migrated")
    for p in results.policies("evaluator", place):
        moved, wa = {}, []
        for load in loads:
            best = best_human(results, "evaluator", place, load)
            runs = results.of("evaluator", place, load, p)
            base = results.of("evaluator", place, load, best) if best else {}
            r = ratio(runs, base, "moved")
            if r:
                moved[load] = r[0]
                wa.append(ratio(runs, base, "wa")[0])
        if not moved:
            continue
        worst = max(moved, key=moved.get)
        yield row(NAMES.get(p, p), len(moved),
                  percent(mean_log(moved.values())[:1] + (None, None)),
                  percent(mean_log(wa)[:1] + (None, None)),
                  f"{worst} {percent((moved[worst], None, None))}")
    yield ""


POLICIES_INTRO = """\
# What F2FS migrates under which policy

Made by `{command}`, in the evaluator: F2FS of linux-source-6.1 in User Mode Linux, with policies
compiled in where a module hooks; what it is off by is in [f2fs-evaluator.md](f2fs-evaluator.md).
Migrated blocks count data and nodes; write amplification is all that the device wrote for each
block of data that users wrote. Only the device takes time here. Policies hold from the moment
the file system is full. The learned ones know nothing before the run: they learn while the
device is filled and warmed up. "Expected" knows the mean lifetime of each block or kind of file
from an earlier run of the same, "clairvoyant" each write's.

"""


def made_of(results):
    return f"Each run: {'; or '.join(sorted(results.lengths))}.\n" if results.lengths else \
        "There are no finished runs.\n"


def report_policies(results, args):
    yield POLICIES_INTRO.format(command=args.command) + made_of(results)
    for place in results.places("evaluator"):
        # those of the training set are the features' report's
        loads = [w for w in results.loads("evaluator", place) if w[-1] != "0"]
        if not loads:
            continue
        yield f"## {title(place)}"
        yield ""
        yield from means_of_policies(results, place, loads)
        for load in loads:
            yield from policies_of_load(results, place, load)


EVALUATOR_INTRO = """\
# How far the evaluator is off

Made by `{command}`: the same loads with the same seeds in the evaluator and under stock Debian
kernels in QEMU, where time counts instructions. Off: what the evaluator says, of what the stock
kernel does. The last column is the step from one policy to another, as either shows it: a search
needs that, more than the level.

"""


def report_evaluator(results, args):
    yield EVALUATOR_INTRO.format(command=args.command) + made_of(results)
    for stage in sorted(s for s in results.runs if s.startswith("stock-")):
        offs, wa_offs = [], []
        for place in results.places(stage):
            yield f"## Linux {stage.split('-')[1]}, {title(place)}"
            yield ""
            yield from header("load", "policy", "migrated, stock", "evaluator", "off",
                              "write amplification, stock", "evaluator", "off",
                              "against cost-benefit, stock / evaluator")
            for load in results.loads(stage, place):
                for p in results.policies(stage, place):
                    real = results.of(stage, place, load, p)
                    model = results.of("evaluator", place, load, p)
                    off = ratio(model, real, "moved")
                    if not off:
                        continue
                    wa_off = ratio(model, real, "wa")
                    offs.append(off[0])
                    wa_offs.append(wa_off[0])
                    steps = [percent(ratio(runs, results.of(s, place, load, "cb"), "moved"))
                             for s, runs in ((stage, real), ("evaluator", model))]
                    yield row(load, NAMES.get(p, p), f"{mean_of(real, 'moved'):.0f}",
                              f"{mean_of(model, 'moved'):.0f}", percent(off),
                              f"{mean_of(real, 'wa'):.3f}", f"{mean_of(model, 'wa'):.3f}",
                              percent(wa_off), " / ".join(steps) if p != "cb" else "–")
            yield ""
        if offs:
            far = max(offs, key=lambda o: abs(math.log(o)))
            wa_far = max(wa_offs, key=lambda o: abs(math.log(o)))
            yield f"Linux {stage.split('-')[1]}: {len(offs)} pairs; migrated blocks off by " \
                  f"{percent(mean_log(offs)[:1] + (None, None))} in the mean, " \
                  f"{percent((far, None, None))} at most; write amplification by " \
                  f"{percent((wa_far, None, None))} at most."
            yield ""


FEATURES_INTRO = """\
# What tells how long a block will live

Made by `{command}`, in the evaluator, on the training set: migrated blocks under the learned
policy (placement and victims) without one of its features, or with one that it does not use,
against the kernel's cost-benefit.
A feature is worth what is lost without it; but each splits what is counted among more contexts,
so that fewer may know more. creator: the program that made the file; dir: its
directory; ext: how its name ends; sync: a small fsync; block: ages of what is overwritten;
position: where it is appended; depth: generation, made after reading files of which one; read: age of the
youngest file read before it was made.

"""


def against_cb(results, place, loads, named):
    """Rows of ratios to cost-benefit, of (name, policy)."""
    for name, p in named:
        cells, all_ratios = [], []
        for load in loads:
            r = ratio(results.of("evaluator", place, load, p),
                      results.of("evaluator", place, load, "cb"), "moved")
            cells.append(percent(r))
            all_ratios += [r[0]] if r else []
        mean = mean_log(all_ratios)[:1] + (None, None) if len(all_ratios) == len(loads) else None
        yield row(name, *cells, percent(mean))
    yield ""


def weights(results, place, loads):
    have = {key[3] for key in results.runs["evaluator"] if key[:2] == place}
    named = [(p.split("-")[1], p) for p in have if p.startswith("weight-")]
    if not named:
        return
    named = sorted(named + [("8", ALL_FEATURES)], key=lambda n: int(n[0]))
    if "place" in have:
        named = [("cost-benefit's victims, learned placement", "place"), *named]
    yield "How much more a block that will die soon counts in a victim's score:"
    yield ""
    yield from header("weight", *loads, "geometric mean")
    yield from against_cb(results, place, loads, named)


def report_features(results, args):
    yield FEATURES_INTRO.format(command=args.command) + made_of(results)
    for place in results.places("evaluator"):
        have = {key[3] for key in results.runs["evaluator"]
                if key[:2] == place and key[3].startswith("both-")}
        if not have:
            continue
        names = sorted(have, key=lambda p: (p != ALL_FEATURES, p))
        loads = [w for w in results.loads("evaluator", place)
                 if any(results.of("evaluator", place, w, p) for p in have)]
        yield f"## {title(place)}"
        yield ""
        yield from header("features", *loads, "geometric mean")
        yield from against_cb(results, place, loads,
                              [(p[len("both-"):].split("=")[0], p) for p in names])
        yield from weights(results, place, loads)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("report", choices=("policies", "evaluator", "features"))
    for name in ("dir", "out", "command"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    make = {"policies": report_policies, "evaluator": report_evaluator,
            "features": report_features}[args.report]
    text = "\n".join(make(Results(args.dir), args)).rstrip()
    path = os.path.join(args.out, f"f2fs-{args.report}.md")
    with open(path, "w", encoding="utf-8") as out:
        print(text, file=out)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
