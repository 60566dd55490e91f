# SPDX-License-Identifier: GPL-2.0-only
"""What the tests share: recorded data sets, and results as TAP for scripts/check."""

import os
import subprocess

import pytest

import mlproxy

_results = []


def pytest_runtest_logreport(report):
    if report.when == "call" or report.failed or report.skipped:
        _results.append((report.outcome, report.nodeid.split("/")[-1]))


def pytest_sessionfinish():
    path = os.environ.get("TAP_FILE")
    if not path:
        return
    with open(path, "w") as tap:
        for i, (outcome, name) in enumerate(_results, 1):
            ok = "not ok" if outcome == "failed" else "ok"
            skip = " # SKIP" if outcome == "skipped" else ""
            tap.write(f"{ok} {i} - {name}{skip}\n")
        tap.write(f"1..{len(_results)}\n")


def make_data(path, decisions, seed, *more):
    subprocess.run([os.environ["MAKE_DATA"], path, str(decisions), str(seed), *more], check=True)
    return path


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """The path of a data set of 4000 decisions, each tenth without outcome."""
    return make_data(tmp_path_factory.mktemp("data") / "bandit.h5", 4000, 1)


@pytest.fixture(scope="session")
def data(recorded):
    return mlproxy.Dataset(recorded)


@pytest.fixture(scope="session")
def model(data):
    return mlproxy.train(data, kind="tree", seed=1)
