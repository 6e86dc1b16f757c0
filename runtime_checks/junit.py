"""The report as JUnit XML, which every CI server draws."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from onnxtwin.runtime_checks.report import MethodReport, Report
from onnxtwin.runtime_checks.rows import source
from onnxtwin.runtime_checks.tally import Tally
from onnxtwin.runtime_checks.wording import percent

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(report: Report) -> str:
    """A test suite with a case per method and family, and per metric; what XML cannot hold is escaped."""
    suite = ET.Element("testsuite", name=_clean(f"onnxtwin {report.runtime}"))
    failures = 0
    _properties(suite, report)
    for method in report.methods:
        for family, tally in method.families.items():
            case = _case(suite, method.method, family)
            if tally.wrong:
                failures += 1
                _fail(
                    case,
                    f"{tally.wrong} of {tally.rows + tally.refused + tally.refused_inside} rows",
                    _reason(method, family, tally),
                )
            elif tally.undetermined or tally.limited:
                told = [f"{tally.undetermined} rows undetermined"] if tally.undetermined else []
                told += [f"{tally.limited} rows beyond a declared limit"] if tally.limited else []
                ET.SubElement(case, "system-out").text = ", ".join(told)
        if method.problems:
            failures += 1
            _fail(_case(suite, method.method, "outputs"), method.problems[0], "\n".join(method.problems))
    for score in report.metrics:
        case = _case(suite, "metrics", score.metric)
        if not score.equal:
            failures += 1
            text = f"{score.twin!r} of the twin's answers, {score.pipeline!r} of the pipeline's"
            _fail(case, text, f"{text}, on {score.rows} rows")
    if report.problems or report.verdict in ("interrupted", "nothing compared"):
        failures += 1
        ended = f"ended before {', '.join(report.unfinished)} was finished" if report.unfinished else ""
        text = "\n".join(report.problems) or ended or "no row was compared, which is not the same as equal"
        _fail(_case(suite, "check", "rows"), text.splitlines()[0], text)
    for runtime, reason in report.skipped.items():
        skipped = ET.SubElement(_case(suite, "runtime", runtime), "skipped")
        skipped.set("message", _clean(reason))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(failures))
    suite.set("skipped", str(len(report.skipped)))
    suite.set("errors", "0")
    ET.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def _properties(suite: ET.Element, report: Report) -> None:
    """What a CI server shows beside the cases: versions, coverage, latency."""
    known = dict(report.environment)
    if report.coverage is not None:
        known["coverage"] = percent(report.coverage.share)
    if report.latency_us is not None:
        known["latency_us"] = f"{report.latency_us:.1f}"
    if known:
        properties = ET.SubElement(suite, "properties")
        for name, value in known.items():
            ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))


def _case(suite: ET.Element, method: str, family: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_clean(f"onnxtwin.{method}"), name=_clean(family))


def _fail(case: ET.Element, message: str, text: str) -> None:
    failure = ET.SubElement(case, "failure", message=_clean(message))
    failure.text = _clean(text)


def _reason(method: MethodReport, family: str, tally: Tally) -> str:
    lines = [
        (
            f"mismatched {tally.mismatched}, answered outside the domain {tally.answered_outside}, "
            f"refused inside the domain {tally.refused_inside}, undetermined {tally.undetermined}"
        )
    ]
    worst = tally.worst
    if worst and worst.mismatch:
        lines.append(f"{worst.output}: expected {source(worst.expected)}, found {source(worst.found)}")
        lines.append(f"row {source(worst.row)}")
    lines += [f"{noted.text}: row {source(noted.row)}" for noted in method.domain if noted.family == family]
    return "\n".join(lines)


def _clean(text: str) -> str:
    return _FORBIDDEN.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
