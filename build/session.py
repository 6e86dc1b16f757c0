"""A twin's graph in onnxruntime: raw rows in, the pipeline's answers out. numpy and onnxruntime only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from onnxtwin.build.answers import DOMAIN, check_domain, decode, empty, outputs_of
from onnxtwin.build.rows import RowReader
from onnxtwin.exporters.errors import InputError, OnnxTwinError
from onnxtwin.exporters.signature import Output, Signature

_ERRORS_ONLY = 3

RUNTIME_ERRORS: tuple[type[Exception], ...] = tuple(
    error
    for name in (
        "Fail",
        "InvalidArgument",
        "InvalidGraph",
        "InvalidProtobuf",
        "NoSuchFile",
        "NotImplemented",
        "RuntimeException",
    )
    if isinstance(error := getattr(ort.capi.onnxruntime_pybind11_state, name, None), type)
)
"""What onnxruntime raises; they have no base class of their own."""


class Session:
    """One graph, loaded; shared by threads, pickled with its graph.

    Parameters
    ----------
    model : the serialised graph, or its path (needed if its weights lie in a file beside it).
    signature : what the graph takes and gives.
    threads : intra-op threads of onnxruntime; one by default, because services scale by request.

    Raises
    ------
    OnnxTwinError
        If onnxruntime cannot load the graph.
    """

    def __init__(self, model: bytes | str | Path, signature: Signature, threads: int = 1) -> None:
        self.signature = signature
        self.threads = threads
        self._model: bytes | str = model if isinstance(model, bytes) else str(Path(model).resolve())
        self._reader = RowReader(signature)
        self._outputs = {method: outputs_of(signature, method) for method in signature.methods}
        self._domain = [output.name for output in signature.outputs if output.method == DOMAIN]
        self._ort: Any = self._load()

    @property
    def model(self) -> bytes | str:
        """The serialised graph, or its path."""
        return self._model

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that the graph answers."""
        return self.signature.methods

    def run(self, X: Any, methods: Iterable[str] | None = None) -> dict[str, Any]:
        """Answers for raw rows, keyed by method.

        Parameters
        ----------
        X : raw rows, as :meth:`onnxtwin.build.rows.RowReader.read` takes them.
        methods : the methods to answer; all by default.

        Returns
        -------
        For each method an array ``[N]`` or ``[N, k]`` of the pipeline's own dtype; a list of arrays where the
        pipeline returns a list; a DataFrame or Series where it returns one and the rows came from pandas.

        Raises
        ------
        InputError
            If the rows do not fit the signature, or the graph answers no such method.
        DomainError
            If the pipeline would refuse a row; LimitError if only the twin does, as its contract says.
        """
        chosen = self.signature.methods if methods is None else tuple(methods)
        specs = [spec for method in chosen for spec in self._specs(method)]
        feeds = self._reader.read(X)
        if feeds.rows:
            tensors = self.run_tensors(feeds.tensors, [spec.name for spec in specs] + self._domain)
            for name in self._domain:
                check_domain(self.signature, tensors[name])
        else:
            tensors = {spec.name: empty(spec) for spec in specs}
        token = self.signature.missing_token
        return {
            method: decode(outputs, [tensors[spec.name] for spec in outputs], token, feeds.index)
            for method, outputs in ((method, self._outputs[method]) for method in chosen)
        }

    def run_tensors(
        self, feeds: Mapping[str, NDArray[Any]], names: list[str] | None = None
    ) -> dict[str, NDArray[Any]]:
        """The graph's bare outputs (all by default) for tensors that are already encoded.

        Raises
        ------
        InputError
            If a text cannot be encoded in UTF-8 (a lone surrogate).
        OnnxTwinError
            If onnxruntime fails, or the session is closed.
        """
        if self._ort is None:
            raise OnnxTwinError("this session is closed: load the artifact again")
        names = [output.name for output in self.signature.outputs] if names is None else names
        try:
            return dict(zip(names, self._ort.run(names, feeds), strict=True))
        except UnicodeEncodeError as error:
            raise _lone_surrogate(feeds) from error
        except RUNTIME_ERRORS as error:
            raise OnnxTwinError(f"onnxruntime {ort.__version__} failed on these rows: {error}") from error

    def latency(self, feeds: Mapping[str, NDArray[Any]], calls: int = 1000) -> float:
        """Median time of one call with these tensors, in microseconds.

        Raises
        ------
        InputError, OnnxTwinError
            As :meth:`run_tensors` does.
        """
        times = []
        for _ in range(calls):
            begin = perf_counter()
            self.run_tensors(feeds)
            times.append(perf_counter() - begin)
        return float(np.median(times)) * 1e6

    def close(self) -> None:
        """Free the graph; a later call raises OnnxTwinError."""
        self._ort = None
        self._model = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        if self._ort is None:
            raise OnnxTwinError("this session is closed and cannot be pickled")
        return {"model": self._model, "signature": self.signature, "threads": self.threads}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], state["signature"], state["threads"])  # type: ignore[misc]

    def _specs(self, method: str) -> list[Output]:
        if method not in self._outputs:
            raise InputError(
                f"the graph does not answer {method!r}, only {', '.join(self.signature.methods)}; "
                f"export it with methods=[..., {method!r}] if the pipeline has it"
            )
        return self._outputs[method]

    def _load(self) -> Any:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        try:
            return ort.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
        except RUNTIME_ERRORS as error:
            raise OnnxTwinError(f"onnxruntime {ort.__version__} cannot load the graph: {error}") from error


def _lone_surrogate(feeds: Mapping[str, NDArray[Any]]) -> InputError:
    for name, tensor in feeds.items():
        if tensor.dtype == object:
            for (row, _), value in np.ndenumerate(tensor):
                if any("\ud800" <= char <= "\udfff" for char in value):
                    return InputError(
                        f"column {name!r}, row {row} (counted from 0): found {value!r}, which has half a "
                        "surrogate pair and is no text; decode it with errors='replace' or leave the row out"
                    )
    return InputError("a text holds half a surrogate pair and cannot be encoded")
