"""Which operators are unsafe for which element types on some supported onnxruntime.

The data is measured: ``docs/make_kernels.py`` writes ``kernel_table.py`` and ``docs/kernels.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnxtwin.exporters.kernel_table import KERNELS, VERSIONS

__all__ = ["VERSIONS", "unsafe"]

_CHOSEN_BY = {"Where": 1, "OneHot": 2}
"""The input whose element type chooses the kernel, where it is not the first."""

_BY_ATTRIBUTE = ("Constant", "ConstantOfShape", "Loop", "If", "Scan")
"""Operators whose kernels do not depend on an input's type, or take every type."""

_OPERATORS = {(domain, op_type) for domain, op_type, _ in KERNELS}


def unsafe(
    domain: str, op_type: str, input_types: Sequence[str], output_types: Sequence[str] = ()
) -> str | None:
    """Why a node must not be emitted, or None where every supported onnxruntime answers it rightly.

    Parameters
    ----------
    domain : ``""`` or ``"ai.onnx"``, ``"ai.onnx.ml"``, ``"com.microsoft"``.
    op_type : the operator.
    input_types, output_types : element types by ONNX' names in lower case (``double``, ``int64``,
        ``string``, ...), ``""`` where a type is not known or an input is absent. Without an output type a
        node with a choice of several (Cast, LabelEncoder) is unsafe only if all of them are.

    Returns
    -------
    One sentence for an error message. An operator or type that was never probed is unsafe too; a type that is
    not known is not judged.
    """
    domain = "" if domain == "ai.onnx" else domain
    if domain == "" and op_type in _BY_ATTRIBUTE:
        return None
    if (domain, op_type) not in _OPERATORS:
        return f"{op_type} was never probed on the supported onnxruntime versions (docs/kernel_probes)"
    position = _CHOSEN_BY.get(op_type, 0)
    chosen = input_types[position] if position < len(input_types) else ""
    if not chosen:
        return None
    result = output_types[0] if output_types else ""
    if chosen == result and (domain, op_type, f"{chosen}->{result}") not in KERNELS and op_type == "Cast":
        return None  # a cast to its own type
    found = {
        key: said
        for (d, o, key), said in KERNELS.items()
        if (d, o) == (domain, op_type)
        and (
            key == chosen or (key.startswith(f"{chosen}->") and key.endswith(f"->{result}" if result else ""))
        )
    }
    if not found:
        wanted = f"{chosen} to {result}" if result and op_type in ("Cast", "LabelEncoder") else chosen
        return f"{op_type} of {wanted} was never probed on the supported onnxruntime versions"
    reasons = [said for said in found.values() if said]
    return f"{op_type} of {chosen} is {reasons[0]}" if len(reasons) == len(found) else None
