"""The JUnit XML of a run is what CI systems read: valid against the usual schema, whatever the words are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from cli.smoke import junit
from cli.smoke.shapes import SmokeStep, StepState
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator

AT = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)

ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message"},
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}
"""Of the schema that Jenkins, GitLab and GitHub's reporters share, what we use."""


def step(identity: str, state: StepState = "ok", detail: str = "fine", fix: str | None = None) -> SmokeStep:
    return {"id": identity, "state": state, "detail": detail, "duration_ms": 1234.56, "fix": fix}


def assert_valid(text: str) -> Xml.Element:
    """Fail unless a reader of JUnit XML takes this."""
    root = Xml.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag], element.tag
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set()), element.tag
        for name in ("time",):
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib.get(name, "0.000"))
    for suite in (root, *root.iter("testsuite")):
        cases = list(root.iter("testcase"))
        assert int(suite.attrib["tests"]) == len(cases)
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == len(list(root.iter(tag)))
        assert all(len(case) <= 1 for case in cases)
    return root


def test_each_step_is_a_case_with_its_time_and_reason() -> None:
    steps = [
        step("health"),
        step("quote.nano-banana", "failed", "quoted at 8", "nb pricing show"),
        step("webhook", "error", "no answer"),
        step("ready", "pending", "not yet"),
        step("generation", "skipped", "--no-generation"),
    ]
    root = assert_valid(junit.render("staging", steps, {"commit": "6a090cb"}, at=AT))
    cases = {case.attrib["name"]: case for case in root.iter("testcase")}
    assert list(cases) == ["health", "nano-banana", "webhook", "ready", "generation"]
    assert (cases["nano-banana"].attrib["classname"], cases["health"].attrib["time"]) == ("nb.smoke.quote", "1.235")
    assert cases["nano-banana"].findtext("failure") == "quoted at 8\nfix: nb pricing show"
    assert cases["ready"].find("failure") is not None
    assert root.find("testsuite/properties/property[@name='commit']") is not None
    assert root.find("testsuite[@timestamp='2026-11-22T12:00:00']") is not None


@pytest.mark.parametrize("words", ['<a b="c">&\'</a>', "]]>", "\x00\x1b[31m\x7f", "\ud800", "\uffff", "кошка 🐈", ""])
def test_any_words_make_a_document(words: str) -> None:
    steps = [step("health", "failed", words, words), step(f"quote.{words}", "skipped", words)]
    assert_valid(junit.render(words, steps, {"url": words}, at=AT))


def test_no_credential_is_in_it() -> None:
    text = junit.render("staging", [step("health", "failed", f"said {TOKEN}")], {}, at=AT)
    assert TOKEN not in text


@pytest.mark.integration
class TestWritten:
    """The file beside a run."""

    def test_it_is_there_after_a_good_and_after_a_bad_run(self, nb: Runner, staging: Emulator, place: Place) -> None:
        report = place.project / "smoke.xml"
        assert nb("smoke", "--junit", str(report)).code == 0
        assert_valid(report.read_text("utf-8"))
        staging.ledger |= {"ok": False, "problems": []}
        assert nb("smoke", "--junit", str(report)).code == 1
        assert 'failures="1"' in report.read_text("utf-8")
        assert sorted(path.name for path in place.project.glob("*.xml*")) == ["smoke.xml"]

    def test_a_folder_is_not_replaced(self, nb: Runner, staging: Emulator, place: Place) -> None:
        assert nb("smoke", "--junit", str(place.project)).code == 7

    def test_where_it_cannot_be_written_is_one_line(self, nb: Runner, staging: Emulator, place: Place) -> None:
        path: Path = place.project / "missing" / "smoke.xml"
        ran = nb("smoke", "--no-generation", "--junit", str(path))
        assert (ran.code, "cannot be written" in ran.err) == (1, True)
