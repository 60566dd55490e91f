# SPDX-License-Identifier: GPL-2.0-only
"""Training, the off-policy test, and the fixed-point form."""

import numpy as np
import pytest

import mlproxy
from conftest import make_data


def test_a_model_is_better_than_the_kernel(data, model):
    table = mlproxy.off_policy_test(data, model)
    assert table.attrs["held_out"]
    assert table.attrs["rows"] == len(model.held_out(data)) < len(data)
    best = table.loc["model (float)"]
    assert best.gain_low > 0
    assert best.gain_low <= best.gain <= best.gain_high
    assert {"logged", "baseline", "always high"} <= set(table.index)


def test_a_policy_of_ones_own(data):
    """Always the third action, as an array and as a function, is what the table has for it."""
    table = mlproxy.off_policy_test(data, policies={
        "array": np.full(len(data), 2), "function": lambda d: np.full(len(d), 2)})
    assert not table.attrs["held_out"]
    constant = "always middle"
    for column in ("ips", "snips", "dr", "gain"):
        assert table.loc["array", column] == pytest.approx(table.loc[constant, column])
        assert table.loc["function", column] == table.loc["array", column]


def test_ips_is_what_its_formula_says(data):
    table = mlproxy.off_policy_test(data, policies={"two": np.full(len(data), 2)})
    weight = (data.action == 2) / data.prob
    assert table.loc["two", "ips"] == pytest.approx((weight * data.reward).mean())
    assert table.loc["two", "ess"] == pytest.approx(weight.sum() ** 2 / (weight ** 2).sum())


def test_rows_can_be_chosen(data):
    rows = np.arange(0, len(data), 2)
    table = mlproxy.off_policy_test(data, policies={"none": data.baseline}, rows=rows)
    assert table.attrs["rows"] == len(rows)
    with pytest.raises(ValueError, match="no row"):
        mlproxy.off_policy_test(data, rows=[len(data)])


def test_wrong_policies_are_named(data):
    with pytest.raises(ValueError, match="'short'"):
        mlproxy.off_policy_test(data, policies={"short": np.zeros(3, int)})
    with pytest.raises(ValueError, match="'half'"):
        mlproxy.off_policy_test(data, policies={"half": data.baseline + 0.5})
    with pytest.raises(ValueError, match="'high'"):
        mlproxy.off_policy_test(data, policies={"high": np.full(len(data), 9)})
    with pytest.raises(ValueError, match="at most"):
        mlproxy.off_policy_test(data, policies={str(i): data.baseline for i in range(64)})


def test_model_and_policies_side_by_side(data, model):
    table = mlproxy.off_policy_test(data, model, policies={"kernel": data.baseline})
    assert table.loc["kernel", "gain"] == pytest.approx(0)
    assert table.loc["model", "gain_low"] > 0


def test_scores_choose(data, model):
    scores = model.scores(data)
    assert scores.shape == (len(data), 4)
    chosen = model.choose(data)
    moved = chosen != data.baseline
    assert moved.any()
    assert (scores[moved].argmax(axis=1) == chosen[moved]).all()


def test_save_and_load(data, model, tmp_path):
    model.save(tmp_path / "bandit.float")
    again = mlproxy.Model(tmp_path / "bandit.float")
    assert again.proxy == "bandit" and again.provenance_known
    assert (again.scores(data) == model.scores(data)).all()
    with pytest.raises(mlproxy.ModelError, match="nowhere"):
        mlproxy.Model(tmp_path / "nowhere")


def test_quantise(data, model, tmp_path):
    report = model.quantise(tmp_path / "bandit.mlp", data)
    assert report["agreement"] > 0.95
    assert (tmp_path / "bandit.mlp").stat().st_size == report["bytes"]


def test_another_schema_is_refused(model, tmp_path):
    other = mlproxy.Dataset(make_data(tmp_path / "lower.h5", 500, 2, "lower"))
    with pytest.raises(mlproxy.ModelError, match="schema"):
        model.scores(other)


def test_no_rows(data, model, tmp_path):
    empty = mlproxy.Dataset(make_data(tmp_path / "empty.h5", 0, 1))
    assert model.scores(empty).shape == (0, 4)
    with pytest.raises(mlproxy.ModelError, match="rows"):
        mlproxy.off_policy_test(empty)
    with pytest.raises(mlproxy.ModelError, match="rows"):
        mlproxy.off_policy_test(data, rows=np.array([], int))


def test_quantise_on_rows_it_has_not_seen(model, tmp_path):
    other = mlproxy.Dataset(make_data(tmp_path / "other.h5", 500, 9))
    assert model.quantise(tmp_path / "other.mlp", other)["agreement"] > 0.9


def test_too_few_rows(tmp_path):
    few = mlproxy.Dataset(make_data(tmp_path / "few.h5", 5, 2))
    with pytest.raises(mlproxy.ModelError):
        mlproxy.train(few, kind="tree")
    with pytest.raises(ValueError, match="kind"):
        mlproxy.train(few, kind="wood")
