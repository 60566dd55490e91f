# SPDX-License-Identifier: GPL-2.0-only
"""The guest's part of guard: runs the loads, and prints tables of what became of them.

Usage: guard.py DIRECTORY MODEL SECONDS; DIRECTORY has readload, mlproxy and mnt.
"""

import json
import os
import subprocess
import sys

EVERY_S = 10

# Name, what it is, readload's arguments, and whether each run finds nothing cached.
LOADS = [
    ("threads", "16 threads, each in order through its part of one mapping; each run finds "
     "nothing cached", ["--ops", "2560", "mmap,seq,think=1500,threads=16"], True),
    ("cold", "random reads of a mapping; all of the file fits into memory, and each run finds "
     "nothing cached", ["--ops", "40000", "mmap,random,think=400"], True),
    ("warm", "the same, but only the first run finds nothing cached: a warm-up, which happens "
     "once", ["--ms", "2500", "mmap,random,think=400"], False),
]


class Bench:
    def __init__(self, directory):
        self.dir = directory
        self.mnt = directory + "/mnt"
        self.device = "/dev/mlptest0"
        self.seconds = 0.0
        self.ops = 0

    def tool(self, *args):
        return subprocess.run([self.dir + "/mlproxy", *args], check=True, text=True,
                              capture_output=True).stdout

    def mount(self):
        subprocess.run(["mount", "-t", "ext4", "-o", "ro,noload,noatime", self.device,
                        self.mnt], check=True)

    def unmount(self):
        subprocess.run(["umount", self.mnt], check=True)

    def run(self, args, seed):
        """One run of readload; leaves its time and its reads in the sums."""
        out = subprocess.run([self.dir + "/readload", "--seed", str(seed), *args[:-1],
                              self.mnt + "/file," + args[-1]],
                             check=True, text=True, capture_output=True).stdout
        result = json.loads(out)
        self.seconds += result["seconds"]
        self.ops += result["ops"]

    def runs(self, load, seconds, seed):
        """Runs until so much of the load's time has passed. Return: microseconds a read."""
        _, _, args, cold = load
        self.seconds, self.ops = 0.0, 0
        while self.seconds < seconds:
            self.run(args, seed)
            seed += 1
            if cold:
                self.unmount()
                self.mount()
        return self.seconds * 1e6 / self.ops, seed

    def efficiency(self):
        return json.loads(self.tool("efficiency", "readahead", "-j"))


def interval(evidence, scale, unit):
    """A verdict in a few words."""
    if not evidence or evidence["gain"] is None:
        return "-"
    words = "%+.2f%s" % (evidence["gain"] * scale, unit)
    if evidence["low"] is not None and evidence["high"] is not None:
        ends = sorted(evidence[end] * scale for end in ("low", "high"))
        words += " [%+.2f, %+.2f]" % tuple(ends)
    return words + ", " + evidence["stance"]


def timeline(bench, load, kernel_us, seconds):
    """The mode machine left to itself."""
    print("\n| s | mode | against the kernel | reward (log2) | cost of work |")
    print("|---|---|---|---|---|")
    seed, now, changes, top_s = 1000, 0, [], None
    while now < seconds:
        us, seed = bench.runs(load, EVERY_S, seed)
        now += EVERY_S
        e = bench.efficiency()
        v = e["verdicts"]
        stage = "" if e["stage"] == "none" else " (%s)" % e["stage"]
        print("| %d | %s | %.2f | %s | %s |" % (now, e["mode"] + stage, us / kernel_us,
                                              interval(v["reward"], 1, ""),
                                              interval(v["outer"], -1, "x")), flush=True)
        if e["mode"] == "recommendation":
            top_s = now
        changes = e["transitions"]
    print("\nChanges, the last one first: " + "; ".join(
        "%s to %s (%s)" % (t["from"], t["to"], t["reason"]) for t in changes) + ".")
    print("In recommendation mode: " + ("never." if top_s is None else
                                        "last seen at %d s." % top_s))


def measure(bench, load, model, seconds):
    name, words, _, _ = load
    print("\n## %s\n\n%s.\n" % (name, words[0].upper() + words[1:]))
    bench.mount()
    # the file is placed, and the programs are loaded
    bench.runs(load, 1, 1)
    bench.unmount()
    bench.mount()
    kernel_us, _ = bench.runs(load, 3, 100)
    print("- with the proxy stopped: %.2f us a read" % kernel_us)
    bench.tool("reinit", "readahead")
    bench.tool("param", "readahead", "seed", "1")
    bench.tool("load", "readahead", model, "--activate")
    bench.tool("mode", "readahead", "recommendation")
    bench.unmount()
    bench.mount()
    bench.tool("start", "readahead")
    fixed_us, _ = bench.runs(load, 3, 100)
    print("- held in recommendation mode: %.2f us, %.2f times that" % (fixed_us,
                                                                    fixed_us / kernel_us))
    bench.tool("stop", "readahead")
    bench.tool("reinit", "readahead")
    bench.tool("load", "readahead", model, "--activate")
    bench.tool("mode", "readahead", "auto")
    bench.unmount()
    bench.mount()
    bench.tool("start", "readahead")
    timeline(bench, load, kernel_us, seconds)
    bench.tool("stop", "readahead")
    bench.unmount()


def main():
    directory, model, seconds = sys.argv[1:]
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    for load in LOADS:
        if not os.environ.get("GUARD_LOADS") or load[0] in os.environ["GUARD_LOADS"].split():
            measure(Bench(directory), load, model, int(seconds))


main()
