# SPDX-License-Identifier: GPL-2.0-only
"""The guest's part of govern: each action as "the model", on each load, with the true ratio
of the times beside what the mode machine makes of it.

Usage: govern.py DIRECTORY DEVICE SECONDS FILE_MB; DIRECTORY has readload, constant, mlproxy and mnt.
Prints a line a cell: CELL,device,load,memory,action,taken,ratio,mode,recommended_s,gain
"""

import json
import os
import subprocess
import sys

from guest_bench import GROUP, Bench

# what holds an action in force
HELD = {"share.recommendation": "1", "outer.recommendation": "0"}
EVERY_S = 2
TRUTH_S = 2
# of the file, which memory may hold
MEMORY = {"fits": None, "half": 1 / 2, "eighth": 1 / 8}

# Name, readload's arguments, and whether each run finds nothing cached.
LOADS = [
    ("random-mmap", ["--ops", "16000", "mmap,random,think=400"], True),
    ("random-pread", ["--ops", "8000", "pread,random,think=400"], True),
    ("seq-mmap", ["--ops", "16000", "mmap,seq,think=1500"], True),
    ("seq-pread", ["--ops", "16000", "pread,seq,think=1500"], True),
    ("zipf-mmap", ["--ops", "16000", "mmap,zipf:90,think=400"], False),
    ("threads-mmap", ["--ops", "1000", "mmap,seq,think=1500,threads=16"], True),
    ("threads-pread", ["--ops", "1000", "pread,seq,think=1500,threads=16"], True),
    ("mixed-mmap", ["--ops", "12000", "mmap,phases:512,think=400"], True),
    ("mixed-pread", ["--ops", "8000", "pread,phases:512,think=400"], True),
]


def wanted(name, variable):
    words = os.environ.get(variable, "").split()
    return not words or name in words


def outcomes(verdict):
    return min(arm["n"] for arm in verdict["arms"].values())


def done(key):
    with open(os.environ["GOVERN_DONE"], encoding="ascii") as f:
        return any(line.startswith(key) for line in f)


def truth(bench, load, model, action):
    """How many times the kernel's time an action takes, and its share of the decisions."""
    bench.unmount()
    bench.mount()
    kernel_us, _ = bench.runs(*load[1:], TRUTH_S, 100)
    bench.fresh(model, "recommendation")
    for name, value in HELD.items():
        bench.tool("param", "readahead", name, value)
    before = bench.actions()
    action_us, _ = bench.runs(*load[1:], TRUTH_S, 100)
    taken = {a: n - before.get(a, 0) for a, n in bench.actions().items()}
    bench.stop()
    return action_us / kernel_us, taken.get(action, 0) / max(sum(taken.values()), 1)


def governed(bench, load, model, seconds):
    """What the mode machine makes of it. Return: mode at the end, the second at which it was
    recommended or -1, and the reward's verdict that had the most to go by."""
    for name in HELD:
        bench.tool("param", "readahead", name, str(bench.defaults[name]))
    bench.fresh(model, "auto")
    seed, now, best, reward = 1000, 0.0, -1, None
    while now < seconds:
        _, seed = bench.runs(*load[1:], EVERY_S, seed)
        now += bench.seconds
        e = bench.efficiency()
        v = e["verdicts"]["reward"]
        if v["gain"] is not None and (reward is None or outcomes(v) >= outcomes(reward)):
            reward = v
        if e["mode"] == "recommendation":
            best = round(now)
            break
    mode = e["mode"]
    bench.stop()
    return mode, best, reward


def cell(bench, device, load, memory_mb, memory, action, seconds):
    bench.memory_mb = memory_mb
    bench.limit()
    model = "%s/%s.mlp" % (bench.dir, action)
    bench.mount()
    ratio, share = truth(bench, load, model, action)
    mode, best, reward = "-", -1, None
    if share:
        mode, best, reward = governed(bench, load, model, seconds)
    bench.unmount()
    print("CELL,%s,%s,%s,%s,%.3f,%.3f,%s,%d,%s" % (
        device, load[0], memory, action, share, ratio, mode, best,
        "-" if reward is None else "%.4f" % reward["gain"]), flush=True)


def main():
    directory, device, seconds, file_mb = sys.argv[1:]
    os.environ["PATH"] += ":/sbin:/usr/sbin"
    os.makedirs(GROUP, exist_ok=True)
    bench = Bench(directory)
    bench.defaults = json.loads(bench.tool("param", "readahead", "-j"))
    schema = json.loads(bench.tool("schema", "readahead", "-j"))
    actions = [a["name"] for a in schema["actions"] if a["name"] != "kernel"]
    for action in actions:
        subprocess.run([directory + "/constant", "readahead", action,
                        "%s/%s.mlp" % (directory, action)], check=True)
    for load in LOADS:
        for memory in MEMORY:
            for action in actions:
                if wanted(load[0], "GOVERN_LOADS") and wanted(memory, "GOVERN_MEMORY") and \
                        wanted(action, "GOVERN_ACTIONS"):
                    if done("CELL,%s,%s,%s,%s," % (device, load[0], memory, action)):
                        continue
                    part = MEMORY[memory]
                    memory_mb = None if part is None else int(int(file_mb) * part)
                    cell(bench, device, load, memory_mb, memory, action, int(seconds))


main()
