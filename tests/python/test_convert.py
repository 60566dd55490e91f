# SPDX-License-Identifier: GPL-2.0-only
"""mlproxy convert writes what a Dataset has."""

import os
import pathlib
import subprocess

import numpy as np
import pandas as pd

TOOL = pathlib.Path(os.environ["O"]) / "userspace/bin/mlproxy"


def convert(*args):
    return subprocess.run([TOOL, "convert", *args], capture_output=True, text=True, check=False)


def test_csv_has_the_rows(data, recorded, tmp_path):
    path = tmp_path / "rows.csv"
    done = convert(recorded, "-o", path)
    assert done.returncode == 0, done.stderr
    csv, frame = pd.read_csv(path, keep_default_na=False, na_values=[""]), data.frame()
    assert len(csv) == len(frame)
    for name in ("id", "key", "time_ns", "reward", "size", "load"):
        assert (csv[name] == frame[name]).all(), name
    assert (csv["action"] == frame["action"].astype(str)).all()
    assert np.allclose(csv["prob"], data.prob)
    assert csv["ledger"].isna().all() and csv["candidate"].isna().all()
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_raw_to_the_standard_output(data, recorded):
    done = convert("--raw", recorded)
    lines = done.stdout.split("\n")
    column = lines[0].split(",").index("action")
    assert [int(line.split(",")[column]) for line in lines[1:-1]] == list(data.action)


def test_a_file_is_not_lost(recorded, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("mine")
    done = convert(recorded, "-o", path)
    assert done.returncode == 1 and "-f" in done.stderr
    assert path.read_text() == "mine"
    assert convert(recorded, "-f", "-o", path).returncode == 0
    assert path.read_text().startswith("run,id,")


def test_errors_are_named(recorded, tmp_path):
    assert "nowhere.h5" in convert(tmp_path / "nowhere.h5").stderr
    parquet = convert(recorded, "-o", tmp_path / "rows.parquet")
    assert parquet.returncode == 2 and "to_parquet" in parquet.stderr
    assert convert().returncode == 2
    full = convert(recorded, "-o", "/dev/full/rows.csv")
    assert full.returncode == 1 and "/dev/full" in full.stderr
    with open("/dev/full", "w") as out:
        done = subprocess.run([TOOL, "convert", recorded], stdout=out, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 1 and b"No space" in done.stderr
