# SPDX-License-Identifier: GPL-2.0-only
"""Machine learning beside kernel decisions: data sets, models and proxies, from Python.

    import mlproxy

    data = mlproxy.Dataset("ra.h5")         # decisions joined with their outcomes
    frame = data.frame()                    # a pandas.DataFrame
    model = mlproxy.train(data, kind="forest")
    print(mlproxy.off_policy_test(data, model))
    model.quantise("ra.mlp", data)
    with mlproxy.Session("readahead") as session:
        session.load("ra.mlp", activate=True)

All of it is done by the C libraries that the tool and the agent use. numpy and pandas
are needed for data sets only; a Session works without.
"""

from ._errors import DatasetError, DeviceError, Error, ModelError
from ._native import ffi as _ffi, lib as _lib
from ._session import Proxy, Session

__all__ = ["Action", "Dataset", "DatasetError", "DeviceError", "Error", "Feature", "Model",
           "ModelError", "Proxy", "Schema", "Session", "off_policy_test", "train"]

__version__: str = _ffi.string(_lib.mlproxy_version()).decode()

_LATER = {"Action": "_dataset", "Dataset": "_dataset", "Feature": "_dataset",
          "Schema": "_dataset", "Model": "_model", "off_policy_test": "_model",
          "train": "_model"}


def __getattr__(name: str) -> object:
    """What needs numpy is imported when it is asked for."""
    import importlib

    if name not in _LATER:
        raise AttributeError(f"module 'mlproxy' has no attribute '{name}'")
    return getattr(importlib.import_module("." + _LATER[name], __name__), name)


def __dir__() -> "list[str]":
    return sorted(__all__ + ["__version__"])
