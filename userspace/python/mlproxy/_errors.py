# SPDX-License-Identifier: GPL-2.0-only
"""What goes wrong, in the words of the C libraries."""

import os

from ._native import ffi


class Error(OSError):
    """A failure of mlproxy; errno is what the C library returned."""


class DeviceError(Error):
    """The device, the kernel or a right is missing, or the kernel refused."""


class DatasetError(Error):
    """A file is no data set, or not one of these."""


class ModelError(Error):
    """A model can't be read, trained, tested or written."""


def text(value: object) -> str:
    """A string of C."""
    return ffi.string(value).decode()


def check(ret: int, kind: type, message: object) -> int:
    """Raise what a negative errno means; message is the library's own."""
    if ret < 0:
        words = text(message) if message else ""
        raise kind(-ret, words or os.strerror(-ret))
    return ret
