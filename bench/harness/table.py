#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo's tables, out of what its guests printed.

usage: table.py --subject NAME --out DIR DEVICE=MODEL=LOG...

Prints a table for each device model, and writes DIR/table.csv with the same figures,
and DIR/plot-DEVICE.dat for table.gp. How policies are compared: results.py.
"""

import argparse
import csv
import os

from results import Device, subject_module

COLUMNS = ("device workload seeds default_us best_static best_static_us mlproxy_us vs_default "
           "vs_default_low vs_default_high vs_static vs_static_low vs_static_high default_pages "
           "static_pages mlproxy_pages").split()
HEAD = """\
                   default     best static   mlproxy   mlproxy against        mlproxy against        \
pages read per operation
workload             us/op     us/op           us/op   default [95 %]         best static [95 %]     \
default  static mlproxy"""
ROW = ("{workload:16} {default_us:9.2f} {best_static_us:9.2f} {setting:5} {mlproxy_us:9.2f}   "
       "{vs_default:5.2f}x [{vs_default_low:.2f}, {vs_default_high:.2f}]   "
       "{vs_static:5.2f}x [{vs_static_low:.2f}, {vs_static_high:.2f}]   "
       "{default_pages:7.2f} {static_pages:7.2f} {mlproxy_pages:7.2f}")


def figures(device, load):
    """One row, by the names of COLUMNS."""
    row = {"device": device.name, "workload": load,
           "seeds": len(device.runs[load, device.find(load, "mlproxy")]),
           "best_static": device.find(load, "static")}
    for name, policy in (("default", "default"), ("best_static", "static"), ("mlproxy", "mlproxy")):
        row[f"{name}_us"] = device.us(load, policy)
        row[f"{name.removeprefix('best_')}_pages"] = device.pages_per_op(load, policy)
    for name in ("default", "static"):
        ratio = device.ratio(load, "mlproxy", name)
        row[f"vs_{name}"], row[f"vs_{name}_low"], row[f"vs_{name}_high"] = ratio
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--subject", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("device", nargs="+")
    args = parser.parse_args()
    subject = subject_module(args.subject)
    with open(os.path.join(args.out, "table.csv"), "w", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        for device in (Device(spec, subject) for spec in args.device):
            print(f"\n{device.title}\n{HEAD}")
            plot = os.path.join(args.out, f"plot-{device.name}.dat")
            with open(plot, "w", encoding="utf-8") as points:
                for load in device.loads:
                    f = figures(device, load)
                    print(ROW.format(setting=f"({subject.setting(f['best_static'])})", **f))
                    table.writerow({k: f"{v:.4f}" if isinstance(v, float) else v
                                    for k, v in f.items()})
                    print(load, f"{f['default_us'] / f['best_static_us']:.4f}",
                          *(f"{f[k]:.4f}" for k in COLUMNS[7:10]), file=points)


if __name__ == "__main__":
    main()
