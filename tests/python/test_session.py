# SPDX-License-Identifier: GPL-2.0-only
"""Sessions, as far as they go without a device."""

import os
import subprocess
import sys

import pytest

import mlproxy


def test_no_device_is_said_with_a_remedy(tmp_path):
    with pytest.raises(mlproxy.DeviceError, match="modprobe") as error:
        mlproxy.Session(device=tmp_path / "mlproxy")
    assert error.value.errno


def test_another_file_is_no_device():
    with pytest.raises(mlproxy.DeviceError):
        mlproxy.Session(device="/dev/null")


def test_a_session_needs_no_numpy():
    code = "import sys; sys.modules['numpy'] = sys.modules['pandas'] = None; " \
        "import mlproxy; mlproxy.Session; mlproxy.Proxy"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_all_names_are_there():
    for name in mlproxy.__all__:
        assert getattr(mlproxy, name) is not None and name in dir(mlproxy)
    with pytest.raises(AttributeError):
        mlproxy.nothing
    assert mlproxy.__version__.count(".") == 2
