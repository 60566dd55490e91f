# SPDX-License-Identifier: GPL-2.0-only
"""Data sets as arrays and frames."""

import gc

import numpy as np
import pandas as pd
import pytest

import mlproxy
from conftest import make_data


def test_rows_are_decisions_with_outcome(data):
    assert len(data) == 3600
    assert data.no_feedback == 400
    assert data.lost == 7
    assert data.features.shape == (3600, 3)
    assert data.reward.dtype == np.int64


def test_schema(data):
    s = data.schema
    assert s.proxy == "bandit"
    assert [f.name for f in s.features] == ["load", "size", "class"]
    assert s.features[1].unit == "bytes"
    assert [a.name for a in s.actions] == ["none", "low", "middle", "high"]
    assert s.reward.name == "score" and not s.lower_is_better


def test_frame_has_categories_and_units(data):
    frame = data.frame()
    assert list(frame["action"].cat.categories) == ["none", "low", "middle", "high"]
    assert (frame["action"].cat.codes.to_numpy() == data.action).all()
    assert isinstance(frame["class"].dtype, pd.CategoricalDtype)
    assert list(frame["source"].cat.categories) == ["baseline"]
    assert frame["candidate"].isna().all()
    assert frame.attrs["units"]["size"] == "bytes"
    assert frame["ledger"].isna().all()
    assert (frame["size"] == data.features[:, 1]).all()


def test_raw_frame_is_numbers(data):
    frame = data.frame(raw=True)
    assert all(np.issubdtype(dtype, np.number) for dtype in frame.dtypes)


def test_outcomes_belong_to_their_decisions(data):
    """The best action is known: its reward is 1000, less 300 a step away from it."""
    load, size, kind = data.features.T
    best = np.where(load < 64, 1, np.where(load < 160, 2, 3))
    best = np.where(size >= 1 << 12, 3 - best, best)
    best = np.where(kind == 3, 0, best)
    expected = 1000 - 300 * np.abs(data.action.astype(int) - best)
    assert np.abs(data.reward - expected).max() <= 100


def test_arrays_cannot_be_written(data):
    with pytest.raises(ValueError):
        data.reward[0] = 1


def test_an_array_outlives_its_data_set(recorded):
    reward = mlproxy.Dataset(recorded).reward
    expected = mlproxy.Dataset(recorded).reward.copy()
    gc.collect()
    filled = [np.full(len(reward), -1, np.int64) for _ in range(50)]
    assert (reward == expected).all() and len(filled) == 50


def test_files_of_one_schema_are_joined(recorded, tmp_path):
    more = make_data(tmp_path / "more.h5", 100, 2)
    both = mlproxy.Dataset(recorded, more)
    assert len(both) == 3690
    assert set(both.run) == {0, 1}


def test_another_schema_is_refused(recorded, tmp_path):
    other = make_data(tmp_path / "lower.h5", 100, 2, "lower")
    with pytest.raises(mlproxy.DatasetError, match="schema"):
        mlproxy.Dataset(recorded, other)


def test_what_is_no_data_set_is_named(tmp_path):
    with pytest.raises(mlproxy.DatasetError, match="nowhere.h5"):
        mlproxy.Dataset(tmp_path / "nowhere.h5")
    text = tmp_path / "text.h5"
    text.write_text("no data set")
    with pytest.raises(mlproxy.DatasetError, match="text.h5"):
        mlproxy.Dataset(text)
    with pytest.raises(ValueError):
        mlproxy.Dataset()


def test_an_empty_data_set(tmp_path):
    empty = mlproxy.Dataset(make_data(tmp_path / "empty.h5", 0, 1))
    assert len(empty) == 0 and empty.frame().empty
