# SPDX-License-Identifier: GPL-2.0-only
"""Proxies in the running kernel: list, record, load models, set modes."""

import os
import subprocess
from dataclasses import dataclass
from typing import List, Optional, Union

from ._errors import DeviceError, Error, check, text
from ._native import ffi, lib

Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Proxy:
    """A proxy as the kernel lists it, or one instance of it (PROXY:INSTANCE)."""

    name: str
    state: str
    mode: str
    features: int
    actions: int
    schema_version: int


class Session:
    """An open device, bound to a proxy where one is named.

    To look needs to read the device (the group mlproxy), to load models to write it (the
    user mlproxy), to set modes, to start and to stop CAP_SYS_ADMIN; what may not be done
    raises a DeviceError that says so. Use it in a with statement, or close() it.
    """

    def __init__(self, proxy: Optional[str] = None, *, device: Optional[Path] = None,
                 read_only: bool = False) -> None:
        handle = ffi.new("struct mlproxy_session **")
        path = os.fsencode(device) if device is not None else ffi.NULL
        flags = lib.MLPROXY_OPEN_RDONLY if read_only else 0
        self._session = ffi.NULL
        self._device = device
        check(lib.mlproxy_open(handle, path, flags), DeviceError, lib.mlproxy_errmsg(ffi.NULL))
        self._session = handle[0]
        self.proxy = proxy
        if proxy is not None:
            try:
                self._check(lib.mlproxy_bind(self._session, proxy.encode()))
            except Error:
                self.close()
                raise

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_session", ffi.NULL):
            self.close()

    def close(self) -> None:
        """Close the device; twice is no error."""
        session, self._session = self._session, ffi.NULL
        lib.mlproxy_close(session)

    def _open(self) -> object:
        if not self._session:
            raise ValueError("the session is closed")
        return self._session

    def _check(self, ret: int) -> int:
        return check(ret, DeviceError, lib.mlproxy_errmsg(self._session))

    def list(self) -> List[Proxy]:
        """The registered proxies, each followed by its instances."""
        entries = ffi.new("struct mlproxy_list_entry **")
        nr = ffi.new("unsigned int *")
        self._check(lib.mlproxy_get_list(self._open(), entries, nr))
        try:
            return [self._proxy(entries[0][i]) for i in range(nr[0])]
        finally:
            lib.free(entries[0])

    @staticmethod
    def _proxy(entry: object) -> Proxy:
        return Proxy(text(entry.name), text(lib.mlproxy_state_name(entry.state)),
                     text(lib.mlproxy_mode_name(entry.mode)), entry.nr_features,
                     entry.nr_actions, entry.schema_version)

    def start(self) -> None:
        """Let the proxy decide."""
        self._check(lib.mlproxy_control(self._open(), lib.MLPROXY_CTL_START, ffi.NULL))

    def stop(self) -> None:
        """Give every decision back to the kernel, at once."""
        self._check(lib.mlproxy_control(self._open(), lib.MLPROXY_CTL_STOP, ffi.NULL))

    @property
    def mode(self) -> str:
        """emergency, learning, collaboration or recommendation.

        It may be set to one of these, which fixes it, or to auto, which hands it back
        to the mode machine.
        """
        mode = ffi.new("struct mlproxy_mode *")
        self._check(lib.mlproxy_mode_get(self._open(), mode))
        return text(lib.mlproxy_mode_name(mode.mode))

    @mode.setter
    def mode(self, name: str) -> None:
        if name == "auto":
            self._check(lib.mlproxy_mode_auto(self._open()))
            return
        number = lib.mlproxy_mode_by_name(name.encode())
        if number < 0:
            raise ValueError(f"there is no mode '{name}'")
        self._check(lib.mlproxy_mode_set(self._open(), number))

    def load(self, path: Path, *, activate: bool = False) -> int:
        """Load a fixed-point model (.mlp); its version. It begins in a trial."""
        result = ffi.new("struct mlproxy_model_load *")
        self._check(lib.mlproxy_model_load_file(self._open(), os.fsencode(path), result))
        if activate:
            self.activate(result.version)
        return result.version

    def activate(self, version: int = 0) -> None:
        """Make the loaded model the active one; version 0 means any."""
        self._model(lib.MLPROXY_MODEL_OP_ACTIVATE, version)

    def rollback(self) -> None:
        """Go back to the model before."""
        self._model(lib.MLPROXY_MODEL_OP_ROLLBACK, 0)

    def unload(self) -> None:
        """Drop both models."""
        self._model(lib.MLPROXY_MODEL_OP_UNLOAD, 0)

    def _model(self, op: int, version: int) -> None:
        self._check(lib.mlproxy_model_ctl(self._open(), op, version, ffi.NULL))

    def record(self, path: Path, *, seconds: Optional[float] = None,
               decisions: Optional[int] = None, append: bool = False,
               tool: str = "mlproxy") -> None:
        """Store decisions and their outcomes, until one of the limits.

        By the tool, "mlproxy record", which has a session of its own, looks after losses
        and instances, and whose file another process may read meanwhile.
        """
        if self.proxy is None:
            raise ValueError("name the proxy: Session(proxy)")
        if seconds is None and decisions is None:
            raise ValueError("say how long: seconds or decisions")
        command = [tool, "record", self.proxy, "-o", os.fspath(path)]
        if self._device is not None:
            command += ["-d", os.fspath(self._device)]
        if seconds is not None:
            command += ["-t", f"{seconds:g}"]
        if decisions is not None:
            command += ["--decisions", str(decisions)]
        if append:
            command.append("-a")
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode:
            raise DeviceError(0, done.stderr.strip() or f"{tool} record failed")
