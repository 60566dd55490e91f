# SPDX-License-Identifier: GPL-2.0-only
"""What the reports are told of readahead; see ../README.md."""

import re

TITLE = "Readahead"
# the device's window in KB
DEFAULT = "128"
# without any readahead only what is used is read
USED_ONLY = "0"

# Sets of loads, by name: what a report on them is called, and where they are.
SETS = {
    "test": ("", "those of\n`bench/readahead/loads-test.sh`, which nothing was trained, chosen or "
                 "tuned with"),
    "validation": (": validation loads", "those of\n`bench/readahead/loads-validate.sh`"),
    "fits": (": data that fits in memory", "those of `BENCH_FITS` in\n`bench/readahead/loads.sh`"),
    "sealed": (": the sealed set", "those of\n`bench/readahead/loads-sealed.sh`, on the files of "
               "`bench/readahead/files-sealed.sh`;\ns-PROGRAM[-tN]-MEMORY is one of N threads or "
               "processes, with memory for a quarter of its data, for\nall of it (equal; done twice) "
               "or four times as much (ample; done three times).\nOn btrfs the "
               "default is the file system's own window of 4 MB, which a static one replaces; it is "
               "printed as 128K there"),
    "outside": (": loads from outside", "given from outside"),
}

# Policies of its own, and what the others mean here.
POLICIES = [("bdp", "bdp"), ("corrected", "corrected")]
LEGEND = {
    "default": "the kernel's window of 128 KB.",
    "static": "the best window of a sweep from none to 4 MB, for each load; the default\n"
              "  is one of them.",
    "single": "the one window with the best geometric mean over all single loads.",
    "rule": "double or halve by what the last window brought, a hand-made program in eBPF.",
    "bdp": "an operator's rule of thumb: the window is the device's bandwidth times its\n"
           "  latency, rounded up to a power of two, 128 KB at least. Left out where it is 128 KB.",
    "corrected": "the kernel's algorithm, its count of mmap misses corrected, for loads that\n"
                 "  use mmap: what is gained without learning.",
}

NAMES = """\
Names end in "-mmap" or "-pread" by the way they read, and in "-advice" where RocksDB itself
gives the kernel advice, which mlproxy respects. "Pages used" is what is read without readahead.
"""

ROCKSDB = re.compile(r"(rr|scan|seq|rev|db|v-db)-")
SEALED = re.compile(r"s-.*?(-t\d+)?-(quarter|equal|ample)$")
SEVERAL = re.compile(r"(v-)?(mix|phases)")


def setting(kb):
    """A static setting as it is printed."""
    kb = int(kb)
    return "none" if not kb else f"{kb // 1024}M" if kb >= 1024 else f"{kb}K"


def classes(loads):
    """The loads by what they have in common."""
    single = [w for w in loads if not SEVERAL.match(w)]
    sealed = [(w, *SEALED.match(w).groups()) for w in loads if SEALED.match(w)]
    if sealed:
        return [("loads", loads)] + [
            (f"loads, memory {memory}", [w for w, _, m in sealed if m == memory])
            for memory in ("quarter", "equal", "ample")] + [
            ("loads of several threads", [w for w, threads, _ in sealed if threads]),
            ("program starts", [w for w in loads if w.startswith("s-start-")]),
        ]
    return [
        ("single loads", single),
        ("single loads, no advice", [w for w in single if not w.endswith("-advice")]),
        ("RocksDB's loads", [w for w in single if ROCKSDB.match(w)]),
        ("mixed or changing loads", [w for w in loads if SEVERAL.match(w)]),
    ]


def targets(devices):
    """A chapter of the report on the test set."""
    # it needs the report, which needs this module
    from targets import targets as lines
    return lines(devices)
