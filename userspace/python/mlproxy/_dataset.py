# SPDX-License-Identifier: GPL-2.0-only
"""Recorded data sets as numpy arrays and as a pandas.DataFrame."""

import os
import threading
from dataclasses import dataclass
from typing import Dict, List, Tuple, Union

import numpy as np

from ._errors import DatasetError, check, text
from ._native import ffi, lib

Path = Union[str, "os.PathLike[str]"]

# libhdf5 is for one thread at a time.
hdf5_lock = threading.RLock()

_COLUMNS = {
    "run": np.uint32, "id": np.uint64, "key": np.uint64, "time_ns": np.uint64,
    "action": np.uint8, "baseline": np.uint8, "candidate": np.uint8, "prob": np.float64,
    "allowed": np.uint32, "source": np.uint8, "mode": np.uint8, "arm": np.uint8,
    "outer_arm": np.uint8, "stratum": np.uint8, "instance": np.uint32,
    "model_version": np.uint32, "reward": np.int64, "predicted": np.int64,
    "error": np.int64, "ledger": np.int64, "feedback_flags": np.uint16,
}
_SCALES = {lib.MLPROXY_TYPE_Q8: 256.0, lib.MLPROXY_TYPE_Q16: 65536.0}


@dataclass(frozen=True)
class Feature:
    """One number that a decision is made on; raw values are divided by scale."""

    name: str
    unit: str
    type: str
    min: int
    max: int
    scale: float


@dataclass(frozen=True)
class Action:
    """What a decision may choose; value is what it stands for in the subsystem."""

    name: str
    value: int


@dataclass(frozen=True)
class Schema:
    """What a proxy decides, on what, and how it is rewarded."""

    proxy: str
    version: int
    hash: int
    unit: str
    features: Tuple[Feature, ...]
    actions: Tuple[Action, ...]
    strata: Tuple[str, ...]
    reward: Feature
    lower_is_better: bool
    ledger: str
    ledger_unit: str


def _feature(f: object) -> Feature:
    return Feature(text(f.name), text(f.unit), text(lib.mlproxy_type_name(f.type)), f.min, f.max,
                   _SCALES.get(f.type, 1.0))


def _schema(c: object) -> Schema:
    s = c.schema
    reward = Feature(text(s.reward_name), text(s.reward_unit),
                     text(lib.mlproxy_type_name(s.reward_type)), s.reward_min, s.reward_max,
                     _SCALES.get(s.reward_type, 1.0))
    return Schema(text(c.proxy), s.schema_version, s.schema_hash,
                  text(lib.mlproxy_unit_name(s.unit)),
                  tuple(_feature(c.features[i]) for i in range(s.nr_features)),
                  tuple(Action(text(c.actions[i].name), c.actions[i].value)
                        for i in range(s.nr_actions)),
                  tuple(text(c.strata[i].name) for i in range(s.nr_strata)),
                  reward, s.reward_direction == lib.MLPROXY_REWARD_LOWER,
                  text(s.ledger_name), text(s.ledger_unit))


class Dataset:
    """Decisions joined with their outcomes, of one or more files of the same schema.

    Each column is an attribute and a read-only numpy array of raw values: run, id, key,
    time_ns, action, baseline, candidate, prob, allowed, source, mode, arm, outer_arm,
    stratum, instance, model_version, reward, predicted, error, ledger, feedback_flags.
    features is a matrix with a column a feature. Rows are in order of file, run and time.
    A decision without outcome is no row; no_feedback, expired, orphans, duplicates,
    invalid and lost count what is not there.
    """

    def __init__(self, *paths: Path) -> None:
        if not paths:
            raise ValueError("name at least one file")
        names = [ffi.new("char[]", os.fsencode(p)) for p in paths]
        data = ffi.new("struct mlds_data *")
        with hdf5_lock:
            check(lib.mlds_load(data, ffi.new("char *[]", names), len(names)), DatasetError,
                  lib.mlds_error())
        self._data = ffi.gc(data, lib.mlds_free)
        self.schema = _schema(data.schema)
        self.paths: List[str] = [os.fspath(p) for p in paths]
        n = data.n
        for name, dtype in _COLUMNS.items():
            setattr(self, name, self._array(getattr(data, name), n, dtype))
        self.features: np.ndarray = self._array(data.features, n * data.nr_features,
                                                np.int64).reshape(n, data.nr_features)
        self.lost: int = data.counts.lost
        for name in ("no_feedback", "expired", "orphans", "duplicates", "invalid"):
            setattr(self, name, getattr(data, name))

    def __len__(self) -> int:
        return self._data.n

    def __repr__(self) -> str:
        return f"<mlproxy.Dataset {self.schema.proxy}: {len(self)} decisions with outcome>"

    def _array(self, pointer: object, count: int, dtype: type) -> np.ndarray:
        """The library's own memory, which lives as long as somebody looks at it."""
        if not count:
            return np.empty(0, dtype)
        owner = self._data
        start = ffi.gc(ffi.cast("char *", pointer), lambda _, keep=owner: None)
        array = np.frombuffer(ffi.buffer(start, count * np.dtype(dtype).itemsize), dtype)
        array.flags.writeable = False
        return array

    @staticmethod
    def _column(feature: Feature) -> str:
        return feature.name if feature.name not in _COLUMNS else "feature." + feature.name

    @property
    def units(self) -> Dict[str, str]:
        """Units by the columns of frame(), of those that have one."""
        named = {self._column(f): f.unit for f in self.schema.features}
        named.update(time_ns="ns", reward=self.schema.reward.unit,
                     predicted=self.schema.reward.unit, error=self.schema.reward.unit,
                     ledger=self.schema.ledger_unit)
        return {name: unit for name, unit in named.items() if unit}

    def frame(self, *, raw: bool = False) -> "pandas.DataFrame":
        """A pandas.DataFrame with a row a decision.

        Actions, sources, modes, arms and strata are categories; fixed-point numbers are
        floats in their unit, which attrs["units"] has by column; a ledger that was not told
        is missing. With raw=True all numbers are as the kernel wrote them.
        """
        import pandas as pd

        columns = {name: getattr(self, name) for name in _COLUMNS}
        for i, feature in enumerate(self.schema.features):
            columns[self._column(feature)] = self.features[:, i]
        frame = pd.DataFrame(columns)
        if not raw:
            self._decode(pd, frame)
        frame.attrs["units"] = self.units
        frame.attrs["proxy"] = self.schema.proxy
        return frame

    def _decode(self, pd: object, frame: "pandas.DataFrame") -> None:
        actions = [action.name for action in self.schema.actions]
        for name in ("action", "baseline", "candidate"):
            frame[name] = _categories(pd, getattr(self, name), lambda i: actions[i], len(actions))
        for name, namer in (("source", lib.mlproxy_source_name), ("mode", lib.mlproxy_mode_name),
                            ("arm", lib.mlproxy_arm_name), ("outer_arm", lib.mlproxy_arm_name)):
            frame[name] = _categories(pd, getattr(self, name), lambda i, f=namer: text(f(i)), 256)
        if self.schema.strata:
            strata = self.schema.strata
            frame["stratum"] = _categories(pd, self.stratum, lambda i: strata[i], len(strata))
        scale = self.schema.reward.scale
        if scale != 1:
            for name in ("reward", "predicted", "error"):
                frame[name] = getattr(self, name) / scale
        told = (self.feedback_flags & lib.MLPROXY_FEEDBACK_LEDGER) != 0
        frame["ledger"] = np.where(told, self.ledger, np.nan)
        for i, feature in enumerate(self.schema.features):
            name = self._column(feature)
            if feature.scale != 1:
                frame[name] = self.features[:, i] / feature.scale
            elif feature.type == text(lib.mlproxy_type_name(lib.MLPROXY_TYPE_BOOL)):
                frame[name] = self.features[:, i] != 0
            elif feature.type == text(lib.mlproxy_type_name(lib.MLPROXY_TYPE_ENUM)):
                frame[name] = pd.Categorical(self.features[:, i])


def _categories(pd: object, codes: np.ndarray, namer: object, room: int) -> object:
    """Numbers as named categories: those of the schema, or else those that occur."""
    present = np.unique(codes)
    numbers = range(room) if room < 256 else present
    names = [namer(int(i)) for i in numbers]
    where = np.full(256, -1, np.int16)
    where[np.fromiter(numbers, int)] = np.arange(len(names))
    return pd.Categorical.from_codes(where[codes], _distinct(names))


def _distinct(names: List[str]) -> List[str]:
    return [name if names.index(name) == i else f"{name}.{i}" for i, name in enumerate(names)]
