# SPDX-License-Identifier: GPL-2.0-only
"""What guests printed, and its statistics.

Lines that count:
  SWEEP|RUN,load,seed,policy,ops,us_per_op,reads,read_pages,link_busy_us[,actions]
  SINGLE,setting  ORACLE,load,choice  MODE,load,mode,changes[,stance]  SKIPPED,policy
A policy that is a number is a static setting of the kernel's own knob; "actions" are
words of ACTION=COUNT, of the decisions of a run.

What depends on what is measured (the default setting, say) is in a module of its own,
bench/SUBJECT/subject.py; see ../README.md.

A comparison is made seed by seed: the mean of the log ratios of the times, with
Student's 95 % interval.
"""

import collections
import importlib
import math
import os
import statistics
import sys

# upper 97.5 % points of Student's t
T975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]
Run = collections.namedtuple("Run", "ops us pages actions")
Ratio = collections.namedtuple("Ratio", "mean low high")


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


def subject_module(name):
    """What bench/NAME says of itself."""
    sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", name))
    return importlib.import_module("subject")


class Device:
    """One device model's results."""

    def __init__(self, spec, subject):
        self.subject = subject
        self.name, model, log = spec.split("=", 2)
        # NAME may end in a file system
        filesystem = self.name.partition("+")[2]
        base, colon, mbps = model.partition(":")
        pipe = f"{base} us + {mbps} MB/s"
        self.title = f"{self.name}: " + (pipe if colon else f"preset {model}")
        self.title += f", {filesystem}" if filesystem else ""
        self.runs = collections.defaultdict(dict)
        self.loads, self.skipped = [], []
        self.used, self.choice, self.mode = {}, {}, {}
        self.single = None
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self.parse(line.rstrip("\n").split(","))
        if not self.loads:
            raise SystemExit(f"{log}: no results")

    def parse(self, f):
        if f[0] in ("RUN", "SWEEP") and len(f) in (9, 10):
            actions = dict(word.split("=") for word in f[9].split()) if len(f) > 9 else {}
            run = Run(int(f[4]), float(f[5]), int(f[7]),
                      {a: int(n) for a, n in actions.items()})
            if f[0] == "RUN":
                if f[1] not in self.loads:
                    self.loads.append(f[1])
                self.runs[f[1], f[3]][f[2]] = run
            elif f[3] == self.subject.USED_ONLY:
                self.used[f[1]] = run.pages / run.ops
        elif f[0] == "SINGLE":
            self.single = f[1]
        elif f[0] == "ORACLE":
            self.choice[f[1]] = f[2]
        elif f[0] == "MODE":
            # and the outer experiment's stance, if there is one
            self.mode[f[1]] = f[2] + (f"; outer: {f[4]}" if len(f) > 4 and f[4] != "-" else "")
        elif f[0] == "SKIPPED":
            self.skipped.append(f[1])

    def statics(self, load):
        return [p for (w, p) in self.runs if w == load and p.isdigit()]

    def find(self, load, policy):
        """The measured policy that a column stands for, or None."""
        if policy == "static":
            return min(self.statics(load), key=lambda p: self.us(load, p))
        if policy == "single":
            policy = self.single
        if policy == "default":
            policy = self.subject.DEFAULT
        return policy if (load, policy) in self.runs else None

    def us(self, load, policy):
        policy = self.find(load, policy)
        return policy and geometric_mean(r.us for r in self.runs[load, policy].values())

    def pages_per_op(self, load, policy):
        """Pages read for each operation, or None."""
        policy = self.find(load, policy)
        if not policy:
            return None
        runs = self.runs[load, policy].values()
        return sum(r.pages for r in runs) / sum(r.ops for r in runs)

    def pages(self, load, policy):
        """Pages read for each page used, or None."""
        pages, used = self.pages_per_op(load, policy), self.used.get(load)
        return pages / used if pages is not None and used else None

    def actions(self, load, policy):
        """Share of each action in the decisions of all runs, the most frequent first."""
        policy, sums = self.find(load, policy), collections.Counter()
        for run in self.runs[load, policy].values() if policy else ():
            sums.update(run.actions)
        total = sum(sums.values())
        return [(action, n / total) for action, n in sums.most_common()]

    def ratio(self, load, policy, other):
        """How many times faster POLICY is than OTHER, or None."""
        policy, other = self.find(load, policy), self.find(load, other)
        if not policy or not other:
            return None
        a, b = self.runs[load, policy], self.runs[load, other]
        logs = [math.log(b[s].us / a[s].us) for s in a if s in b]
        mean, half = statistics.fmean(logs), 0
        if len(logs) > 1:
            t = T975[min(len(logs) - 1, len(T975)) - 1]
            half = t * statistics.stdev(logs) / math.sqrt(len(logs))
        return Ratio(*(math.exp(x) for x in (mean, mean - half, mean + half)))

    def summary(self, loads, policy, other):
        """Geometric mean, and the least with its load, or None."""
        ratios = [(self.ratio(w, policy, other), w) for w in loads]
        ratios = [(r.mean, w) for r, w in ratios if r]
        return ratios and (geometric_mean(r for r, _ in ratios), min(ratios), len(ratios))
