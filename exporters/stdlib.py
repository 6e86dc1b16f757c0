"""Functions of Python's own library that look at the bytes or the exact class of what they are given.

Written in C, they know no traced value; what they would raise, code may take for an answer.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import types
import zlib
from collections.abc import Callable
from typing import Any

from onnxtwin.exporters.array import concrete
from onnxtwin.exporters.numpy.dispatch import depends
from onnxtwin.exporters.registry import exports
from onnxtwin.exporters.trace import require_trace

_FUNCTIONS: dict[types.ModuleType, tuple[str, ...]] = {
    hashlib: ("new", *sorted(hashlib.algorithms_guaranteed)),
    zlib: ("adler32", "compress", "crc32"),
    binascii: ("b2a_base64", "b2a_hex", "crc32", "hexlify"),
    json: ("dump", "dumps"),
}


def _answering(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        if depends(args) or depends(kwargs):
            raise require_trace().unsupported(
                f"{name} of computed values", "compute with numpy functions on whole columns"
            )
        return function(*concrete(args), **concrete(kwargs))

    return run


for _module, _names in _FUNCTIONS.items():
    for _name in _names:
        if hasattr(_module, _name):
            exports(_module, _name, verified=False)(
                _answering(f"{_module.__name__}.{_name}", getattr(_module, _name))
            )
