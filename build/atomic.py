"""Folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_RENAME_SWAP = 2


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside the target, which takes the target's place when the block ends well.

    If the block raises, or the process dies, the target is what it was. An existing target is exchanged
    in one step where the system can (Linux, macOS); elsewhere it stands under another name, beside, until
    the new one is in place, and comes back if that fails.

    Parameters
    ----------
    target : the folder to make or to replace; its parents are made.
    """
    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = _beside(target, "new")
    folder.mkdir()
    try:
        yield folder
        for file in folder.iterdir():
            _sync(file)
        _sync(folder)
        _put(folder, target)
        _sync(target.parent)
    finally:
        # After an exchange this is the old target.
        shutil.rmtree(folder, ignore_errors=True)


def _put(folder: Path, target: Path) -> None:
    if not target.exists():
        folder.rename(target)
    elif not _exchange(folder, target):
        old = _beside(target, "old")
        target.rename(old)
        try:
            folder.rename(target)
        except BaseException:
            old.rename(target)
            raise
        shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, purpose: str) -> Path:
    return target.parent / f".{target.name}.{secrets.token_hex(6)}.{purpose}"


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    if os.name != "posix":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin" and hasattr(libc, "renamex_np"):
        failed = libc.renamex_np(os.fsencode(one), os.fsencode(other), _RENAME_SWAP)
    elif sys.platform.startswith("linux") and hasattr(libc, "renameat2"):
        failed = libc.renameat2(
            _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE)
        )
    else:
        return False
    if failed and ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
    return not failed


def _sync(path: Path) -> None:
    """Have a file or folder reach the disk; a folder cannot be opened for that on every system."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
