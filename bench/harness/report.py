#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The report of a bench, out of what its guests printed.

usage: report.py --subject NAME --command TEXT --kernel NAME --seeds LIST --set NAME --out DIR
                 --name NAME --data DIR --memory TEXT [--preface FILE] [--models]
                 DEVICE=MODEL=LOG...

With --models, prints how many times faster than the default each model is, and
writes nothing. Else writes OUT/NAME.md, and DATA/plot-DEVICE.dat for results.gp. What
the lines of a LOG are, and how policies are compared: results.py. What depends on what
is measured: bench/SUBJECT/subject.py.
"""

import argparse
import math
import os

from results import Device, subject_module

# "own" stands for the policies that a subject has for itself.
POLICIES = [
    ("static", "best static"),
    ("single", "best single"),
    ("rule", "rule"),
    ("own", None),
    ("oracle", "oracle"),
    ("mlproxy", "network"),
    ("tree", "tree"),
    ("auto", "auto"),
]


def policies(device):
    return [(p, n) for name in POLICIES
            for p, n in (device.subject.POLICIES if name[0] == "own" else [name])
            if any(device.find(w, p) for w in device.loads)]


def classes(device):
    return [(name, loads) for name, loads in device.subject.classes(device.loads) if loads]


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
                cell += f" ({d.subject.setting(d.find(w, p))})"
            elif p == "auto" and w in d.mode:
                cell += f" ({d.mode[w]})"
            cells.append(cell)
        if took:
            cells.append(d.choice.get(w, "–"))
        yield row(*cells)


def table_ratios(d):
    others = [(p, n) for p, n in policies(d) if p not in ("mlproxy", "auto")]
    yield from header("load", "default", *(n for _, n in others))
    for w in d.loads:
        yield row(w, interval(d.ratio(w, "mlproxy", "default")),
                  *(interval(d.ratio(w, "mlproxy", p)) for p, _ in others))


def table_pages(d):
    yield from header("load", "default", *(n for _, n in policies(d)))
    for w in d.loads:
        yield row(w, figure(d.pages(w, "default")),
                  *(figure(d.pages(w, p)) for p, _ in policies(d)))


def table_actions(d):
    """What was decided, the three most frequent actions."""
    mine = [(p, n) for p, n in policies(d) if any(d.actions(w, p) for w in d.loads)]
    yield from header("load", *(n for _, n in mine))
    for w in d.loads:
        yield row(w, *(", ".join(f"{a} {share:.0%}" for a, share in d.actions(w, p)[:3]
                                 if share > 0.005) or "–" for p, _ in mine))


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
    if len(d.loads) > 1:
        yield f"![{d.title}]({picture})"
        yield ""
    if d.single:
        yield f"Best single static setting: {d.subject.setting(d.single)}."
        yield ""
    if d.skipped:
        yield f"Not run here: {', '.join(d.skipped)}."
        yield ""
    tables = [("Microseconds per operation, geometric mean over the seeds", table_times),
              ("How many times faster mlproxy with the network is [95 %]", table_ratios),
              ("Pages read for each page used", table_pages)]
    if any(d.actions(w, p) for w in d.loads for p, _ in policies(d)):
        tables.append(("What was decided, most frequent first", table_actions))
    if len(d.loads) > 1:
        tables.append(("Geometric means", table_means))
    for title, table in tables:
        yield f"**{title}**"
        yield ""
        yield from table(d)
        yield ""


# What the columns are; those that were not measured are left out.
LEGEND = {
    "oracle": "the best of the proxy's actions for each load, chosen on another seed; by\n"
              "  coordinate descent for each file or kind of phase where a load has several.",
    "mlproxy": "mlproxy with the network that is shipped, held in recommendation mode.",
    "tree": "the same with the trees that are shipped.",
    "auto": "the network again, with the mode machine left to itself, from learning mode on;\n"
            "  the mode that it ended in is beside it. It carries on from run to run, and meets "
            "each load\n  up to eight times, with other seeds, before the runs that count.",
}


def legend(devices, subject):
    texts = {**LEGEND, **subject.LEGEND}
    measured = {"default": "default"}
    for d in devices:
        measured.update(policies(d))
    return "\n".join(f"- **{name}**: {texts[p]}" for p, name in measured.items())


INTRO = """\
Made by one command, `{command}`:
Linux {kernel}, seeds {seeds}, the same for every policy, in one run for each device model. The loads are {loads}.
Time counts instructions (1 ns each), so a CPU is dearer against a disk than on real hardware: compare
ratios, and look at the pages. {memory}

{policies}

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


def write_plot(d, path):
    with open(path, "w", encoding="utf-8") as plot:
        for n, w in enumerate(reversed(d.loads)):
            ratio = {p: d.ratio(w, p, "default") for p in ("static", "rule", "oracle", "mlproxy")}
            values = [ratio[p].mean if ratio[p] else math.nan
                      for p in ("static", "rule", "oracle")]
            values += ratio["mlproxy"] or [math.nan] * 3
            print(n, w, *(f"{v:.4f}" for v in values), file=plot)


def main():
    parser = argparse.ArgumentParser()
    for name in ("subject", "command", "kernel", "seeds", "set", "out", "name", "data", "memory"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--models", action="store_true")
    parser.add_argument("--preface", help="a chapter to begin with")
    parser.add_argument("device", nargs="+")
    args = parser.parse_args()
    subject = subject_module(args.subject)
    devices = [Device(spec, subject) for spec in args.device]
    if args.models:
        print("\n".join(line for d in devices for line in compare_models(d)))
        return
    limit = ("is not limited" if args.memory == "max"
             else "is what each load says" if args.memory == "load"
             else f"is limited to {args.memory} MB, less than what a load reads")
    title, loads = subject.SETS[args.set]
    out = [f"# {subject.TITLE}, Linux {args.kernel}{title}", "",
           INTRO.format(kernel=args.kernel, seeds=args.seeds, command=args.command,
                        loads=loads, policies=legend(devices, subject),
                        memory=f"Memory {limit}.") + subject.NAMES]
    if args.preface:
        with open(args.preface, encoding="utf-8") as preface:
            out += [preface.read()]
    chapter = list(subject.targets(devices)) if args.set == "test" else []
    out += chapter
    for d in devices:
        out += device_section(d, f"{args.name}-{d.name}.png")
        write_plot(d, os.path.join(args.data, f"plot-{d.name}.dat"))
    with open(os.path.join(args.out, f"{args.name}.md"), "w", encoding="utf-8") as report:
        print("\n".join(out).rstrip(), file=report)
    print("\n".join(chapter or table_means(devices[0])))


if __name__ == "__main__":
    main()
