#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""docs/results/mode-power.md, out of the tables of tests/bench/mode-power.

usage: mode-power-report.py DIR RUNS LOOK OUTCOMES TRIAL_OUTCOMES > docs/results/mode-power.md
"""

import csv
import os
import sys

UNITS = ("decision", "entity", "window")

HEAD = """\
# Power of the mode machine, simulated

Made by `tests/bench/mode-power all`, all seeds fixed: {runs} runs of each kind, normal outcomes,
the defaults of [modes.md](../modes.md), 1000 outcomes a second, a look after every {look} of them,
judged by the reward alone. Outcomes are those of all decisions, from the start in learning mode,
the 5 s of the ramp included; differences are in standard deviations (sd) of the
baseline's outcomes. Clusters: entities of which some are met far more often, or windows of
consecutive outcomes; half of the variance is common to a cluster (`tests/common/mode_sim.c`).
"""


def read(directory, name):
    with open(os.path.join(directory, f"{name}.csv"), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def header(*cells):
    return [row(*cells), "|" + "---|" * len(cells)]


def percent(share):
    return f"{float(share) * 100:g} %"


def number(text):
    return f"{int(text):,}".replace(",", " ") if text else "–"


def effect(text):
    return f"{text.replace('-', '−')} sd"


def climb(rows):
    yield "## Share of runs promoted to recommendation mode"
    yield ""
    lengths = list(dict.fromkeys(r["outcomes"] for r in rows))
    yield from header("model better by", *map(number, lengths))
    for e in dict.fromkeys(r["effect_sd"] for r in rows):
        yield row(effect(e), *(percent(r["promoted_share"]) for r in rows if r["effect_sd"] == e))
    yield ""
    yield "![power](mode-power.png)"


def demoted(r):
    return percent(float(r["worse_share"]) + float(r["not_better_share"]))


def times(tables, limit):
    yield "## How soon"
    yield ""
    yield "Median outcomes until collaboration and until recommendation mode, – if half of the runs"
    yield f"did not get there within {number(limit)}; and how often a run was demoted in that time, as"
    yield "worse or as not better (with no difference that is no error)."
    yield ""
    yield from header("model better by", *(c for unit in tables for c in (unit, "demoted")))
    for rows in zip(*tables.values()):
        cells = []
        for r in rows:
            cells += [f"{number(r['median_to_collaboration'])} / "
                      f"{number(r['median_to_recommendation'])}", demoted(r)]
        yield row(effect(rows[0]["effect_sd"]), *cells)


def trial(rows, limit):
    yield "## With a larger trial"
    yield ""
    yield "A quarter of the decisions in learning mode, intervals from 50 outcomes of each arm on, as"
    yield f"readahead asks for; by decision, {number(limit)} outcomes."
    yield ""
    yield from header("model better by", "collaboration", "recommendation", "runs that got there")
    for r in rows:
        yield row(effect(r["effect_sd"]), number(r["median_to_collaboration"]),
                  number(r["median_to_recommendation"]), percent(r["recommendation_share"]))


def reasons(r, limit):
    named = (("drop", "drop_share"), ("worse", "worse_share"), ("not better", "not_better_share"),
             (f"not within {number(limit)}", "never_share"))
    return ", ".join(f"{name} {percent(r[key])}" for name, key in named if float(r[key]))


def fall(tables, limit):
    yield "## A model that turns bad"
    yield ""
    yield "It was better by 0.5 sd, and is in recommendation mode. Outcomes until that is left, median /"
    yield "95 % of the runs, and the reasons."
    yield ""
    yield from header("turned to", *tables)
    for rows in zip(*tables.values()):
        yield row(effect(rows[0]["effect_sd"]),
                  *(f"{number(r['median_outcomes'])} / {number(r['p95_outcomes'])}; "
                    f"{reasons(r, limit)}" for r in rows))


def shift(tables, limit):
    yield "## An environment that turns bad"
    yield ""
    yield "For both arms, while the model is as good as before. Share of runs in which it is taken for the"
    yield f"model's drop within {number(limit)} outcomes; emergency is the safe side."
    yield ""
    yield from header("all fall by", *tables)
    for rows in zip(*tables.values()):
        yield row(effect(rows[0]["effect_sd"].lstrip("-")),
                  *(percent(r["drop_share"]) for r in rows))


def main():
    directory, runs, look, limit, trial_limit = sys.argv[1], *map(int, sys.argv[2:6])
    by_unit = {kind: {unit: read(directory, f"{kind}-{unit}") for unit in UNITS}
               for kind in ("times", "fall", "shift")}
    chapters = [climb(read(directory, "climb")), times(by_unit["times"], limit),
                trial(read(directory, "trial"), trial_limit), fall(by_unit["fall"], limit),
                shift(by_unit["shift"], limit)]
    print(HEAD.format(runs=runs, look=look))
    print("\n\n".join("\n".join(chapter) for chapter in chapters))


if __name__ == "__main__":
    main()
