"""A graph answered by a process in another language: tensors there and back over its stdin and stdout.

The protocol, version 1. The runner is started with the graph's path and the number of threads. It first
writes one line of JSON, ``{"protocol": 1, "versions": {"onnxruntime": ..., ...}}``, or ``{"error": text}`` if
it cannot load the graph. Then for each request there is one answer; both are one line of JSON and, after it,
the bytes of the tensors it lists, in their order::

    {"op": "run", "outputs": [name, ...], "inputs": [{"name", "datatype", "shape", "bytes"}, ...]}
    {"outputs": [{"name", "datatype", "shape", "bytes"}, ...]}            or   {"error": text}

    {"op": "time", "calls": n, "outputs": [...], "inputs": [...]}
    {"nanoseconds": median of n calls}                                    or   {"error": text}

Instead of an error there may be ``{"refused": text}`` where the language's binding cannot carry the rows.
``datatype`` is the contract's (``FP64``, ``FP32``, ``INT64``, ``BOOL``, ``BYTES``), ``bytes`` a byte count.
Numbers are little-endian, so every bit of a float arrives; a bool is one byte; a text is its length in bytes
(uint32) and its UTF-8. The runner ends when its stdin does. What it writes to stderr is shown if it dies.
"""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from onnxtwin.build.session import Session
from onnxtwin.build.tensors import DATATYPES, TENSORS
from onnxtwin.exporters.errors import CheckError, InputError, OnnxTwinError
from onnxtwin.exporters.signature import Signature

PROTOCOL = 1

_LITTLE_ENDIAN = {"float64": "<f8", "float32": "<f4", "int64": "<i8", "bool": "|b1"}
_LENGTH = struct.Struct("<I")

LAST_WORDS = 2000
"""Characters of a dead runner's stderr that an error shows."""


class ProcessSession(Session):
    """A graph in a process of its own, with the face of a :class:`Session`.

    Parameters
    ----------
    command : ``(graph, threads) -> argv`` of the runner.
    model : the serialised graph, or its path.
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime.

    Raises
    ------
    OnnxTwinError
        If the runner cannot be started or cannot load the graph.
    """

    def __init__(
        self,
        command: Callable[[Path, int], Sequence[str]],
        model: bytes | str | Path,
        signature: Signature,
        threads: int = 1,
    ) -> None:
        self._command = command
        super().__init__(model, signature, threads)

    @property
    def versions(self) -> dict[str, str]:
        """What the runner says of itself: ``onnxruntime``, its language's runtime, ..."""
        return dict(self._engine.versions)

    def latency(self, feeds: Mapping[str, npt.NDArray[Any]], calls: int = 1000) -> float:
        """Median time of one call with these tensors, in microseconds, measured inside of the runner."""
        names = [output.name for output in self.signature.outputs]
        return self._engine.time(names, feeds, calls) / 1000

    def close(self) -> None:
        """End the runner; a later call raises OnnxTwinError."""
        if self._ort is not None:
            self._engine.close()
        super().close()

    def __getstate__(self) -> dict[str, Any]:
        raise OnnxTwinError("a session in another process cannot be pickled; open it again")

    @property
    def _engine(self) -> _Engine:
        if self._ort is None:
            raise OnnxTwinError("this session is closed: load the artifact again")
        engine: _Engine = self._ort
        return engine

    def _load(self) -> _Engine:
        return _Engine(self._command, self._model, self.threads)


class _Engine:
    """Speaks the protocol; has the one method of onnxruntime's ``InferenceSession`` that a session calls."""

    def __init__(
        self, command: Callable[[Path, int], Sequence[str]], model: bytes | str, threads: int
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="onnxtwin-")
        graph = Path(model) if isinstance(model, str) else Path(self._folder.name) / "model.onnx"
        if isinstance(model, bytes):
            graph.write_bytes(model)
        self._stderr: IO[bytes] = (Path(self._folder.name) / "stderr").open("w+b")
        argv = [str(word) for word in command(graph, threads)]
        self._name = Path(argv[0]).name
        try:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr
            )
        except OSError as error:
            self._stderr.close()
            self._folder.cleanup()
            raise OnnxTwinError(f"the runner {self._name} cannot be started: {error}") from error
        try:
            hello = self._receive()
            if hello.get("protocol") != PROTOCOL:
                raise CheckError(
                    f"the runner {self._name} speaks protocol {hello.get('protocol')}, this is {PROTOCOL}"
                )
        except OnnxTwinError:
            self.close()
            raise
        self.versions: dict[str, str] = hello["versions"]

    def run(self, names: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs of these names."""
        answer = self._ask({"op": "run"}, names, feeds)
        found = {entry["name"]: self._tensor(entry) for entry in answer["outputs"]}
        return [found[name] for name in names]

    def time(self, names: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]], calls: int) -> float:
        """Nanoseconds of one call, the median of so many."""
        return float(self._ask({"op": "time", "calls": calls}, names, feeds)["nanoseconds"])

    def close(self) -> None:
        """Let the runner end by itself; it is killed if it does not."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(OSError):  # dead already
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()
        self._folder.cleanup()

    def _ask(
        self, request: dict[str, Any], names: Sequence[str], feeds: Mapping[str, npt.NDArray[Any]]
    ) -> dict[str, Any]:
        packed = {name: _pack(tensor) for name, tensor in feeds.items()}
        request["outputs"] = list(names)
        request["inputs"] = [
            {"name": name, "datatype": datatype, "shape": list(feeds[name].shape), "bytes": len(data)}
            for name, (datatype, data) in packed.items()
        ]
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            for _, data in packed.values():
                self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError as error:
            raise self._died() from error
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._died()
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError as error:
            raise CheckError(f"the runner {self._name} wrote no JSON: {line[:200]!r}") from error
        if "refused" in answer:
            raise InputError(answer["refused"])
        if "error" in answer:
            raise OnnxTwinError(f"{self._name}: {answer['error']}")
        return answer

    def _tensor(self, entry: Mapping[str, Any]) -> npt.NDArray[Any]:
        assert self._process.stdout is not None
        data = self._process.stdout.read(entry["bytes"])
        if len(data) != entry["bytes"]:
            raise self._died()
        return _unpack(entry["datatype"], entry["shape"], data)

    def _died(self) -> OnnxTwinError:
        self._process.kill()
        code = self._process.wait()
        self._stderr.seek(0)
        words = self._stderr.read().decode(errors="replace").strip()[-LAST_WORDS:]
        return OnnxTwinError(
            f"the runner {self._name} ended (exit code {code}): {words or 'it wrote nothing'}"
        )


def _pack(tensor: npt.NDArray[Any]) -> tuple[str, bytes]:
    """A tensor's datatype and bytes; UnicodeEncodeError if a text holds half a surrogate pair."""
    if tensor.dtype.kind in "OU":
        texts = [text.encode() for text in tensor.ravel().tolist()]
        return "BYTES", b"".join(_LENGTH.pack(len(text)) + text for text in texts)
    name = tensor.dtype.name
    return DATATYPES[name], np.ascontiguousarray(tensor, dtype=_LITTLE_ENDIAN[name]).tobytes()


def _unpack(datatype: str, shape: Sequence[int], data: bytes) -> npt.NDArray[Any]:
    name = TENSORS[datatype]
    if name != "string":
        array = np.frombuffer(data, dtype=_LITTLE_ENDIAN[name]).astype(name)
        return array.reshape(shape)
    texts, at = [], 0
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        texts.append(data[at : at + length].decode())
        at += length
    return np.array(texts, dtype=object).reshape(shape)
