# SPDX-License-Identifier: GPL-2.0-only
"""Models: train, test by what was recorded, make the fixed-point form for the kernel."""

import os
from typing import Callable, Dict, Mapping, Optional, Union

import numpy as np

from ._dataset import Dataset, Path, hdf5_lock
from ._errors import ModelError, check, text
from ._native import ffi, lib

_KINDS = {"mlp": lib.MLTRAIN_MLP, "tree": lib.MLTRAIN_TREE, "forest": lib.MLTRAIN_FOREST,
          "auto": lib.MLTRAIN_AUTO}

Policy = Union["Model", np.ndarray, Callable[[Dataset], np.ndarray]]


def _call(function: Callable[..., int], *args: object) -> None:
    """A call of the trainer, which is for one thread at a time, as HDF5 is."""
    with hdf5_lock:
        check(function(*args), ModelError, lib.mltrain_error())


class Model:
    """A float model, from train() or out of a file of "mlproxy train"."""

    def __init__(self, path: Path) -> None:
        model = ffi.new("struct mltrain_model **")
        _call(lib.mltrain_load, model, os.fsencode(path))
        self._model = ffi.gc(model[0], lib.mltrain_free)
        self.macs: Optional[int] = None
        self.kind: Optional[str] = None

    @classmethod
    def _of(cls, model: object, report: object) -> "Model":
        self = cls.__new__(cls)
        self._model = ffi.gc(model, lib.mltrain_free)
        self.macs = report.macs
        self.kind = text(lib.mltrain_kind_name(report.kind))
        return self

    def __repr__(self) -> str:
        return f"<mlproxy.Model {self.name} of proxy {self.proxy}>"

    @property
    def name(self) -> str:
        return text(self._model.name)

    @property
    def proxy(self) -> str:
        return text(self._model.schema.proxy)

    @property
    def provenance_known(self) -> bool:
        """Whether it is known which decisions it was trained on."""
        return bool(lib.mltrain_provenance_known(self._model))

    def _rows(self, data: Dataset, seen: bool) -> object:
        if self._model.schema.schema.schema_hash != data.schema.hash:
            raise ModelError(0, f"the model is of proxy {self.proxy}, and of another schema than "
                             f"the data set of {data.schema.proxy}")
        rows = ffi.new("struct mltrain_rows *")
        _call(lib.mltrain_pick_rows, self._model, data._data, seen, rows)
        return ffi.gc(rows, lib.mltrain_rows_free)

    def held_out(self, data: Dataset) -> np.ndarray:
        """Row numbers of the decisions that it was not trained on."""
        rows = self._rows(data, False)
        return np.array(ffi.unpack(rows.row, rows.n), np.uint32)

    def scores(self, data: Dataset) -> np.ndarray:
        """What it expects of each action, in standard deviations; higher is better."""
        self._rows(data, False)
        rows = _all_rows(len(data))
        scores = np.empty((len(data), len(data.schema.actions)), np.float32)
        _call(lib.mltrain_predict, self._model, data._data, rows[0],
              ffi.from_buffer("float[]", scores))
        return scores

    def choose(self, data: Dataset) -> np.ndarray:
        """The action that it takes for each decision, by number."""
        scores = self.scores(data)
        rows = ffi.from_buffer("float[]", scores)
        nr = scores.shape[1]
        return np.fromiter((lib.mltrain_choose(self._model, rows + i * nr, self._model.margin,
                                               int(data.baseline[i]), int(data.allowed[i]))
                            for i in range(len(data))), np.uint8, len(data))

    def save(self, path: Path) -> None:
        """Write the float form, for "mlproxy test" and Model(path)."""
        _call(lib.mltrain_save, self._model, os.fsencode(path))

    def quantise(self, path: Path, data: Dataset) -> Dict[str, float]:
        """Write the fixed-point form that the kernel runs; how far it is from the float one."""
        # calibrated on what it was trained on, where that is here
        rows = self._rows(data, True)
        if not rows.n:
            rows = self._rows(data, False)
        report = ffi.new("struct mltrain_quant_report *")
        file, length = ffi.new("void **"), ffi.new("size_t *")
        _call(lib.mltrain_quantise, self._model, data._data, rows, file, length, report)
        try:
            with open(path, "wb") as out:
                out.write(ffi.buffer(file[0], length[0]))
        finally:
            lib.free(file[0])
        return {"agreement": report.agreement, "rmse": report.rmse, "macs": report.macs,
                "bytes": report.bytes}


def train(data: Dataset, *, kind: str = "mlp", holdout: Optional[float] = None,
          seed: Optional[int] = None, epochs: Optional[int] = None,
          restarts: Optional[int] = None, trees: Optional[int] = None,
          depth: Optional[int] = None) -> Model:
    """Train a model: kind mlp, tree, forest or auto. What is not said is as in the tool."""
    if kind not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}, not '{kind}'")
    options = ffi.new("struct mltrain_options *")
    lib.mltrain_default_options(options)
    options.kind = _KINDS[kind]
    asked = {"holdout": holdout, "seed": seed, "epochs": epochs, "restarts": restarts,
             "trees": trees, "depth": depth}
    for name, value in asked.items():
        if value is not None:
            setattr(options, name, value)
    model = ffi.new("struct mltrain_model **")
    report = ffi.new("struct mltrain_fit_report *")
    _call(lib.mltrain_fit, model, data._data, options, report)
    try:
        return Model._of(model[0], report)
    finally:
        lib.mltrain_fit_report_free(report)


def off_policy_test(data: Dataset, model: Optional[Model] = None, *,
                    policies: Optional[Mapping[str, Policy]] = None,
                    rows: Optional[np.ndarray] = None) -> "pandas.DataFrame":
    """What policies would have earned, from what was recorded, with 95 % intervals.

    With a model: on the decisions that it was not trained on. policies are others, by name:
    an action number a row of the data set, a function of the data set that returns these,
    or a Model. rows chooses the rows; it is yours to see that no policy was made from them.

    A row of the answer is a policy, those recorded, the kernel's own and each single action
    among them. gain is over the kernel's own, doubly robust, and positive is better whatever
    the reward's direction; the rest is in the reward's unit. attrs has "rows", "clusters",
    "cluster_by" and "held_out", False where nobody knows what the model was trained on.
    """
    chosen = _rows_to_test(data, model, rows)
    test = ffi.new("struct mltrain_test *")
    if model is not None and not policies:
        _call(lib.mltrain_test_model, model._model, ffi.NULL, data._data, chosen[0], test)
    else:
        named = dict(policies or {})
        if model is not None:
            named.setdefault("model", model)
        _evaluate(data, named, chosen, test)
    frame = _table(data, test)
    frame.attrs["held_out"] = rows is None and model is not None and model.provenance_known
    return frame


def _all_rows(n: int) -> tuple:
    return _some_rows(np.arange(n, dtype=np.uint32))


def _some_rows(numbers: np.ndarray) -> tuple:
    """Rows for the library, with what must live as long."""
    kept = np.ascontiguousarray(numbers, np.uint32)
    rows = ffi.new("struct mltrain_rows *")
    rows.n = len(kept)
    rows.row = ffi.cast("uint32_t *", kept.ctypes.data)
    return rows, kept


def _rows_to_test(data: Dataset, model: Optional[Model], rows: Optional[np.ndarray]) -> tuple:
    if rows is None:
        return _some_rows(model.held_out(data)) if model is not None else _all_rows(len(data))
    rows = np.unique(np.asarray(rows))
    if len(rows) and (rows[0] < 0 or rows[-1] >= len(data)):
        raise ValueError("rows has a number that is no row of the data set")
    return _some_rows(rows)


def _actions(data: Dataset, name: str, policy: Policy) -> np.ndarray:
    if isinstance(policy, Model):
        return policy.choose(data)
    actions = np.asarray(policy(data) if callable(policy) else policy)
    if actions.shape != (len(data),):
        raise ValueError(f"policy '{name}' is not one action a row: {actions.shape}")
    if not np.issubdtype(actions.dtype, np.integer):
        raise ValueError(f"policy '{name}' gives {actions.dtype}, not numbers of actions")
    if len(actions) and (actions.min() < 0 or actions.max() >= len(data.schema.actions)):
        raise ValueError(f"policy '{name}' takes an action that the schema does not have")
    allowed = (data.allowed >> actions.astype(np.uint32)) & 1
    # As the kernel would: what is not legal here is not done.
    return np.where(allowed, actions, data.baseline).astype(np.uint8)


def _evaluate(data: Dataset, policies: Mapping[str, Policy], rows: tuple, test: object) -> None:
    most = len(test.policy) - len(data.schema.actions) - 2
    if len(policies) > most:
        raise ValueError(f"{len(policies)} policies at a time; at most {most}")
    candidates = ffi.new("struct mltrain_candidate[]", max(len(policies), 1))
    keep = []
    for i, (name, policy) in enumerate(policies.items()):
        actions = np.ascontiguousarray(_actions(data, name, policy)[rows[1]])
        label = ffi.new("char[]", name.encode())
        keep += [actions, label]
        candidates[i].name = label
        candidates[i].action = ffi.cast("uint8_t *", actions.ctypes.data)
    _call(lib.mltrain_evaluate, data._data, rows[0], ffi.NULL, candidates, len(policies), test)


def _table(data: Dataset, test: object) -> "pandas.DataFrame":
    import pandas as pd

    scale = data.schema.reward.scale
    lines = []
    for policy in test.policy[0:test.nr]:
        line: Dict[str, object] = {"policy": text(policy.name)}
        for name in ("gain", "dr", "ips", "snips"):
            estimate = getattr(policy, name)
            line[name] = estimate.value / scale
            line[name + "_low"] = estimate.low / scale
            line[name + "_high"] = estimate.high / scale
        line["ess"] = policy.ess
        line["deviates"] = policy.deviates
        lines.append(line)
    frame = pd.DataFrame(lines).set_index("policy")
    frame.attrs.update(rows=test.rows, clusters=test.clusters, cluster_by=text(test.cluster_by),
                       unit=data.schema.reward.unit)
    return frame
