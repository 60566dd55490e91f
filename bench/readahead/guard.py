# SPDX-License-Identifier: GPL-2.0-only
"""The guest's part of guard: runs the loads, and prints tables of what became of them.

Usage: guard.py DIRECTORY MODEL SECONDS; DIRECTORY has readload, mlproxy and mnt.
"""

import os
import sys

from guest_bench import Bench

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
        us, seed = bench.runs(*load[2:], EVERY_S, seed)
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
    bench.runs(*load[2:], 1, 1)
    bench.unmount()
    bench.mount()
    kernel_us, _ = bench.runs(*load[2:], 3, 100)
    print("- with the proxy stopped: %.2f us a read" % kernel_us)
    bench.fresh(model, "recommendation")
    fixed_us, _ = bench.runs(*load[2:], 3, 100)
    print("- held in recommendation mode: %.2f us, %.2f times that" % (fixed_us,
                                                                    fixed_us / kernel_us))
    bench.stop()
    bench.fresh(model, "auto")
    timeline(bench, load, kernel_us, seconds)
    bench.stop()
    bench.unmount()


def main():
    directory, model, seconds = sys.argv[1:]
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    for load in LOADS:
        if not os.environ.get("GUARD_LOADS") or load[0] in os.environ["GUARD_LOADS"].split():
            measure(Bench(directory), load, model, int(seconds))


main()
