"""Probe every supported onnxruntime and write down what its kernels can do.

Makes one virtual environment a version in the folder given, runs the probes of ``kernel_probes`` in each,
and writes ``docs/kernels.md`` (for people) and ``exporters/kernel_table.py`` (for finishing)::

    python docs/make_kernels.py FOLDER
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import venv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from kernel_probes import probes
from kernel_probes.probe import Probe

ROOT = Path(__file__).parent.parent
VERSIONS = (
    "1.21.1", "1.22.1", "1.23.2", "1.24.4", "1.25.1", "1.28.0", "1.29.0", "1.30.0", "1.31.1", "1.32.0",
)  # fmt: skip
"""The latest patch of each supported minor version; 1.26.0 and 1.27.0 are not supported."""

RUNNER = """
import pickle, sys
import onnxruntime

onnxruntime.set_default_logger_severity(4)
jobs = pickle.load(open(sys.argv[1], "rb"))
with open(sys.argv[2], "ab") as out:
    for number in range(int(sys.argv[3]), len(jobs)):
        model, feeds = jobs[number]
        try:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            answer = session.run(None, feeds)
        except Exception as error:
            answer = str(error)
        pickle.dump(answer, out)
        out.flush()
"""
ABOUT = """# What onnxruntime's kernels can do

Written by `docs/make_kernels.py`, which runs `docs/kernel_probes` under the latest patch of every supported
minor version (1.21 to 1.25, 1.28 to 1.32; 1.26 and 1.27 answer a forest wrongly and are not supported), on
the CPU, with opset 20 and `ai.onnx.ml` 5 (3 for the trees and linear models that 5 no longer has). Finishing
refuses a graph with an operator that this table calls missing or wrong on any of them, or that it does not
list (`exporters/kernels.py`).

- *types*: the element type that chooses the kernel; `a → b` where the output has its own.
- *values*: right, or what is wrong and where. A remark without a version is known and no reason to refuse.
  Hostile values are among the inputs: NaN, infinities, both zeros, subnormals, integers beyond 2^53, empty
  text, NUL, code points beyond the BMP.
- *ulps*: the largest error of a right answer, against numpy and scipy.
- *zero rows*: what goes wrong with no rows at all; empty where nothing does.

Not visible in the table:
- `Where` on floats gives 0.0 for -0.0. `Equal` and `LabelEncoder` hold both zeros equal, and every NaN is the
  same key to `LabelEncoder`.
- `Div` and `Mod` of integers end the process on a divisor of 0, and of -1 under the smallest integer.
- `Einsum` that multiplies zero rows by a matrix ends the process up to 1.24: see `exporters/arithmetic.py`.
- `TopK` of zero rows ends the process up to 1.30, and puts NaN anywhere up to 1.31: see
  `exporters/ordering.py`.
- `Tokenizer` matches leftmost-longest, not leftmost-first; of zero rows it returns one dimension too few, and
  no column if all texts are empty. `StringSplit` finds no piece in the empty text, Python finds one.
- `Cast` from text stops the run on a text that is no number, on overflow and on a subnormal result, and
  ignores whatever follows a number ("1abc" is 1).
- 1.25 stops at a tensor *attribute* of text (`keys_tensor`, `default_tensor` of `LabelEncoder`): use
  `keys_strings`, `values_strings`, `default_string`.
- Of zero rows, up to 1.31: a reduction or `ArgMax` over a *negative* axis returns the shape of its input, and
  `MatMul` by a vector on the right stops.
- `StringNormalizer` needs the machine to have the locale it names.

"""
Answer = list[npt.NDArray[Any]] | str


def python_of(folder: Path, version: str) -> Path:
    """The interpreter of that version's environment, made if it is not there."""
    home = folder / version
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"onnxruntime=={version}", "numpy"], check=True)
    return python


def answers(folder: Path, version: str, jobs: list[tuple[bytes, dict[str, Any]]]) -> list[Answer]:
    """What each job gives in that version; a job that ends the process says so."""
    work = folder / f"{version}.jobs"
    work.mkdir(exist_ok=True)
    (work / "run.py").write_text(RUNNER, encoding="utf-8")
    (work / "in").write_bytes(pickle.dumps(jobs))
    results: list[Answer] = []
    while len(results) < len(jobs):
        (work / "out").write_bytes(b"")
        command = [python_of(folder, version), work / "run.py", work / "in", work / "out", str(len(results))]
        ended = subprocess.run(command, capture_output=True, check=False)
        with (work / "out").open("rb") as out:
            while True:
                try:
                    results.append(pickle.load(out))
                except EOFError:
                    break
        if ended.returncode:
            results.append("ends the process")
    return results


def error_in_ulps(got: npt.NDArray[Any], expected: npt.NDArray[Any], scale: float) -> float:
    """The largest distance in ulps of the expected (at least ``scale``); infinite where only one is NaN."""
    both_nan = np.isnan(got) & np.isnan(expected)
    with np.errstate(all="ignore"):
        distance = np.abs(got.astype(np.float64) - expected) / np.spacing(
            np.maximum(np.abs(expected), expected.dtype.type(scale))
        )
    distance = np.where((got == expected) | both_nan, 0.0, np.where(np.isnan(distance), np.inf, distance))
    return float(distance.max(initial=0.0))


def verdict(probe: Probe, expected: Any, answer: Answer) -> str:
    """``right`` (with an error in ulps), ``missing``, or what is wrong."""
    if isinstance(answer, str):
        absent = (
            "NOT_IMPLEMENTED",
            "invalid model",
            "is not a registered function",
            "Unrecognized attribute",
        )
        if any(words in answer for words in absent):
            return "missing"
        if answer == "ends the process":
            return "wrong: ends the process"
        return "wrong: another type" if "Type (tensor(" in answer else "wrong: stops with an error"
    worst = 0.0
    for got, want in zip(answer, expected, strict=True):
        got = np.asarray(got)
        if got.shape != want.shape:
            return f"wrong: shape {list(got.shape)} for {list(want.shape)}"
        if want.dtype.kind == "f" and got.dtype == want.dtype:
            worst = max(worst, error_in_ulps(got, want, probe.scale))
            if np.isnan(got).any() != np.isnan(want).any():
                return "wrong: NaN"
        elif not np.array_equal(got, want):
            return f"wrong: {_first_difference(got, want)}"
    if worst > probe.ulps:
        return "wrong: infinitely off" if np.isinf(worst) else f"wrong: {worst:.1e} ulps off"
    return f"right {worst:.0f}" if worst else "right"


def _first_difference(got: npt.NDArray[Any], want: npt.NDArray[Any]) -> str:
    where = np.flatnonzero(got.ravel() != want.ravel())[0]
    return f"{got.ravel()[where]!r} for {want.ravel()[where]!r}".replace("np.int64", "").replace("np.", "")


def spans(versions: list[str]) -> str:
    """``1.21 to 1.24, 1.28`` of versions in order."""
    numbers = [VERSIONS.index(v) for v in versions]
    short = [v.rsplit(".", 1)[0] for v in VERSIONS]
    parts: list[list[int]] = []
    for n in numbers:
        if parts and n == parts[-1][-1] + 1:
            parts[-1].append(n)
        else:
            parts.append([n])
    return ", ".join(short[p[0]] if len(p) == 1 else f"{short[p[0]]} to {short[p[-1]]}" for p in parts)


def _by_version(outcome: dict[str, str]) -> str:
    """Verdicts with the versions they hold for."""
    by_verdict: dict[str, list[str]] = defaultdict(list)
    for version, said in outcome.items():
        by_verdict[said].append(version)
    return "; ".join(
        said if len(found) == len(VERSIONS) else f"{said} in {spans(found)}"
        for said, found in by_verdict.items()
    )


def main() -> None:
    """Run everything and write both files."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    asked = probes()
    full = [(p.model(p.inputs).SerializeToString(), p.feeds(p.inputs)) for p in asked]
    hollow = [p for p in asked if p.empty is not None]
    none = [(p.model(p.empty[0]).SerializeToString(), p.feeds(p.empty[0])) for p in hollow if p.empty]
    outcomes: list[dict[str, str]] = [{} for _ in asked]
    empties: dict[int, dict[str, str]] = {id(p): {} for p in hollow}
    for version in VERSIONS:
        got = answers(folder, version, full + none)
        for outcome, probe, answer in zip(outcomes, asked, got, strict=False):
            outcome[version] = verdict(probe, probe.expected, answer)
        for probe, answer in zip(hollow, got[len(full) :], strict=True):
            if probe.empty:
                empties[id(probe)][version] = verdict(probe, probe.empty[1], answer)
        sys.stdout.write(
            f"{version}: {sum(o[version].startswith('right') for o in outcomes)} of {len(asked)}\n"
        )
    write(asked, outcomes, empties)


def write(asked: list[Probe], outcomes: list[dict[str, str]], empties: dict[int, dict[str, str]]) -> None:
    """Both files, from the verdicts."""
    table: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    rows = []
    for probe, outcome in zip(asked, outcomes, strict=True):
        bad = {v: said for v, said in outcome.items() if not said.startswith("right")}
        refused = bad and not probe.note
        table[probe.domain, probe.op, probe.key].extend([_by_version(bad)] if refused else [])
        worst = max((float(s.split(" ")[1]) for s in outcome.values() if s.startswith("right ")), default=0.0)
        hollow = {v: s for v, s in empties.get(id(probe), {}).items() if not s.startswith("right")}
        values = _by_version(bad) if refused else probe.note if bad else "right"
        rows.append(
            f"| {probe.domain or 'ai.onnx'} | {probe.op} | {probe.key.replace('->', ' → ')} | {values} | "
            f"{f'{worst:.0f}' if worst else ''} | {_by_version(hollow)} |"
        )
    head = (
        "| domain | operator | types | values | ulps | zero rows |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    (ROOT / "docs" / "kernels.md").write_text(
        ABOUT + head + "\n".join(dict.fromkeys(rows)) + "\n", encoding="utf-8"
    )
    lines = [f"    {key!r}: {'; '.join(dict.fromkeys(said))!r}," for key, said in sorted(table.items())]
    source = [
        '"""What onnxruntime can do, by ``docs/make_kernels.py``; ``docs/kernels.md`` explains it."""\n',
        f"VERSIONS = {VERSIONS!r}\n",
        "KERNELS: dict[tuple[str, str, str], str] = {",
        *lines,
        "}",
        '"""Domain, operator and types: what is unsafe on which version, or the empty text."""',
    ]
    (ROOT / "exporters" / "kernel_table.py").write_text("\n".join(source) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
