"""Steps as JUnit XML, which every CI shows: one suite, a case for each step, its time, and why it is not green."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from cli.masking import masked
from cli.smoke.shapes import SmokeStep

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ELEMENTS = {"failed": "failure", "error": "error", "pending": "failure", "skipped": "skipped"}


def render(name: str, steps: Sequence[SmokeStep], properties: Mapping[str, str], *, at: datetime) -> str:
    """The document. Nothing in it is secret: what looks like a credential is masked."""
    states = [_ELEMENTS.get(step["state"], "") for step in steps]
    counts = {
        "tests": str(len(steps)),
        "failures": str(states.count("failure")),
        "errors": str(states.count("error")),
        "skipped": str(states.count("skipped")),
        "time": _seconds(sum(step["duration_ms"] for step in steps)),
    }
    suites = Xml.Element("testsuites", {"name": "nb smoke", **counts})
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    suite = Xml.SubElement(suites, "testsuite", {"name": _text(name), **counts, "timestamp": stamp, "hostname": "nb"})
    listed = Xml.SubElement(suite, "properties")
    for key, value in properties.items():
        Xml.SubElement(listed, "property", {"name": key, "value": _text(value)})
    for step in steps:
        group, _, item = step["id"].partition(".")
        case = Xml.SubElement(
            suite,
            "testcase",
            {
                "classname": f"nb.smoke.{group}" if item else "nb.smoke",
                "name": _text(item or group),
                "time": _seconds(step["duration_ms"]),
            },
        )
        element = _ELEMENTS.get(step["state"])
        if element is not None:
            _add_reason(case, element, step)
    Xml.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(suites, encoding="unicode")}\n'


def _add_reason(case: Xml.Element, element: str, step: SmokeStep) -> None:
    reason = Xml.SubElement(case, element, {"message": _text(step["detail"])})
    if element == "skipped":
        return
    reason.set("type", step["state"])
    reason.text = _text(f"{step['detail']}\nfix: {step['fix']}" if step["fix"] else step["detail"])


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"


def _text(words: str) -> str:
    """Text that XML can hold; a surrogate or a control character becomes a question mark."""
    return _NOT_IN_XML.sub("?", masked(words))
