#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/results/outer-power.md, out of the tables of tests/bench/outer-power.

usage: outer-power-report.py DIR RUNS SECONDS FEW_RUNS SHORT_SECONDS > docs/results/outer-power.md
"""

import csv
import glob
import os
import sys

CLIMB = ("policy", "unit", "hold", "excess", "recommended", "rise", "rise95", "left", "leave",
         "leave95", "higher", "stalled")
TURN = ("policy", "unit", "hold", "excess", "left", "leave", "leave95")

HEAD = """\
# What the outer experiment finds, simulated

Made by `tests/bench/outer-power all`, all seeds fixed: {runs} runs of {seconds} simulated seconds
where nothing else is said, the defaults of [modes.md](../modes.md), 1000 decisions a second of 16
entities (`tests/common/outer_sim.c`). Entities differ (the logarithm of their stalls by 0.5 sd) and so does
the load with time (0.3 sd, correlated over 5 s). Seconds are medians / 95 % of all runs, – where so
many never got there.

| policy | what it does |
|---|---|
| equal | what the baseline does |
| slight, good | costs 5 %, 20 % less, and its reward says so |
| delayed | better reward; the entity pays more, over about a second |
| others | better reward; all others pay more, over half a second |
| lost | better reward; one outcome in ten is bad, and never comes |
| hidden | the same, but nobody counts what never comes |
| tail | better reward, a logarithm; a few large stalls cost more |

The last five cost the system more than the baseline, by 20 % where nothing else is said.
"""


def read(directory, name, fields):
    rows = []
    for path in sorted(glob.glob(os.path.join(directory, f"{name}-*.csv"))):
        with open(path, encoding="utf-8") as file:
            rows += csv.DictReader(file, fields)
    return rows


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def header(*cells):
    return [row(*cells), "|" + "---|" * len(cells)]


def percent(share):
    return f"{float(share) * 100:.3g} %"


def more(stalled):
    return f"{(float(stalled) - 1) * 100:+.1f} %".replace("-", "−")


def seconds(r, *keys):
    return " / ".join(r[k] or "–" for k in keys)


def unit(r):
    return f"{r['unit']}, {float(r['hold']):g} s"


def climb(rows):
    yield from header("policy", "unit, hold", "runs recommended", "after, s", "runs that left",
                      "after, s", "time in higher modes", "cost of the system")
    for r in rows:
        yield row(r["policy"], unit(r), percent(r["recommended"]), seconds(r, "rise", "rise95"),
                  percent(r["left"]), seconds(r, "leave", "leave95"), percent(r["higher"]),
                  more(r["stalled"]))


def chapters(directory, seconds_each, few, short):
    yield "## Who is recommended, and who falls"
    yield ""
    yield "*Recommended* is to have been in recommendation mode at any time. *Left* is to have gone back"
    yield "from a higher mode to learning, and when, from the first step up. The last column is what the"
    yield "system paid over the run, exploration and tests and all, against the baseline alone."
    yield ""
    yield from climb(read(directory, "climb", CLIMB))
    yield ""
    yield "## The same without it"
    yield ""
    yield f"The reward alone decides; {short} s. For *good* the difference is the price of the outer"
    yield "experiment."
    yield ""
    yield from climb(read(directory, "without", CLIMB))
    yield ""
    yield "## How small a harm, in how long"
    yield ""
    yield f"{few} runs of {seconds_each} s."
    yield ""
    yield from header("policy", "costs more by", "unit, hold", "runs recommended",
                      "runs that left", "after, s")
    for r in read(directory, "harm", CLIMB):
        yield row(r["policy"], percent(r["excess"]), unit(r), percent(r["recommended"]),
                  percent(r["left"]), seconds(r, "leave", "leave95"))
    yield ""
    yield "## The ledger alone"
    yield ""
    yield f"Without an outer experiment, with and without a ledger of the decision's own stall; {short} s."
    yield ""
    yield from header("policy", "measures", "runs recommended", "after, s", "runs that left",
                      "after, s")
    for i, r in enumerate(read(directory, "ledger", CLIMB)):
        yield row(r["policy"], "reward" if i % 2 else "reward, ledger", percent(r["recommended"]),
                  seconds(r, "rise", "rise95"), percent(r["left"]), seconds(r, "leave", "leave95"))
    yield ""
    yield "## A good policy that turns"
    yield ""
    yield "It is in recommendation mode, and turns bad there. Seconds until that is left;"
    yield f"{few} runs of {seconds_each} s from then on."
    yield ""
    yield from header("turns to", "costs more by", "unit, hold", "runs that left", "after, s")
    for r in read(directory, "turn", TURN):
        yield row(r["policy"], percent(r["excess"]), unit(r), percent(r["left"]),
                  seconds(r, "leave", "leave95"))


def main():
    directory, runs, length, few, short = sys.argv[1:6]
    print(HEAD.format(runs=runs, seconds=length))
    print("\n".join(chapters(directory, length, few, short)))


if __name__ == "__main__":
    main()
