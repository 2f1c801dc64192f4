"""`nb stats`: the period that is asked for, and every form in which the answer is written."""

from __future__ import annotations

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as Xml

import pytest

from cli import charts, periods, statistics_view
from cli.charts import Bars, Chart
from cli.errors import UsageMistake
from tests.cli.answers_statistics import row, statistics
from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator

pytestmark = pytest.mark.integration

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def as_staging(place: Place, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is staging."""
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    service.environment = "staging"
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)


def asked(service: Emulator) -> dict[str, str]:
    """The query of the last question."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(service.requests[-1][1]).query).items()}


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("1d", datetime(2026, 11, 22, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 16, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 9, tzinfo=UTC)),
        ("24h", NOW - timedelta(hours=24)),
        ("90m", NOW - timedelta(minutes=90)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T12:30", datetime(2026, 11, 1, 12, 30, tzinfo=UTC)),
        ("2026-11-01T12:30+03:00", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_period_is_whole_days_or_an_exact_time(text: str, begin: datetime) -> None:
    assert periods.begin_of("--since", text, NOW) == begin


@pytest.mark.parametrize("text", ["", "soon", "0d", "-1d", "7", "7y", "2026-13-01", "99999999d"])
def test_what_is_no_period_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageMistake, match="neither a span"):
        periods.begin_of("--since", text, NOW)


def test_the_service_is_asked_for_the_period_and_the_grouping(nb: Runner, service: Emulator) -> None:
    assert nb("stats", "--since", "2026-11-01", "--until", "2026-12-01", "--by", "day").code == 0
    assert asked(service) == {"since": "2026-11-01T00:00:00+00:00", "until": "2026-12-01T00:00:00+00:00", "by": "day"}


def test_the_last_seven_days_are_the_default(nb: Runner, service: Emulator) -> None:
    assert nb("stats").code == 0
    begin = datetime.fromisoformat(asked(service)["since"])
    until = datetime.fromisoformat(asked(service)["until"])
    assert (begin.hour, begin.minute, begin.second) == (0, 0, 0)
    assert timedelta(days=6) <= until - begin < timedelta(days=7)


def test_a_period_that_ends_before_it_begins_is_a_mistake(nb: Runner, service: Emulator) -> None:
    ran = nb("stats", "--since", "2026-11-02", "--until", "2026-11-02", "--json")
    assert (ran.code, service.requests) == (2, [])


def test_a_person_reads_money_work_failures_payments_and_people(nb: Runner) -> None:
    out = nb("stats").out
    for words in ("$2.20", "50.0 %", "9.1 %", "timed_out", "1155.00 XTR", "385.00 XTR", "7 ordered, 3 paid", "UTC"):
        assert words in out
    assert "1 jobs reported no cost" in out


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_small_screen_is_not_overrun(nb: Runner, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert max(map(len, nb("stats").out.splitlines())) <= int(columns)


def test_machines_get_the_numbers_and_the_form(nb: Runner) -> None:
    data = nb("stats", "--json").data
    assert (data["format"], data["output"], data["total"]["margin"]) == ("table", None, "0.5000")


def test_the_form_json_is_the_answer_itself(nb: Runner) -> None:
    assert json.loads(nb("stats", "--format", "json").out) == statistics()


def test_csv_has_a_line_for_each_row(nb: Runner) -> None:
    lines = list(csv.DictReader(io.StringIO(nb("stats", "--format", "csv").out)))
    assert [line["model"] for line in lines] == ["nano-banana-pro", "kling-v2-6"]
    assert (lines[0]["revenue_usd"], lines[0]["p95_s"], lines[1]["margin"], lines[1]["p50_s"]) == (
        "2.20",
        "31.0",
        "",
        "",
    )


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1", "\t=1", "\n=1"])
def test_no_name_is_a_formula_in_a_spreadsheet(name: str) -> None:
    text = statistics_view.csv_of(statistics(rows=[row(name)]))  # type: ignore[arg-type]
    assert next(islice(csv.reader(io.StringIO(text)), 1, None))[0] == f"'{name}"


@pytest.mark.parametrize("name", ["\x00", "\x1b[31m", "\u202efdp.exe", "]]>", "<script>"])
def test_no_name_breaks_a_chart(name: str) -> None:
    text = statistics_view.svg_of(statistics(rows=[row(f"a{name}")]), name)  # type: ignore[arg-type]
    chart = Xml.fromstring(text)
    assert chart.findall(f".//{SVG}script") == []
    assert "\u202e" not in text


@pytest.mark.parametrize("form", ["csv", "svg"])
def test_one_document_and_another_form_need_a_file(nb: Runner, form: str) -> None:
    assert (nb("stats", "--format", form, "--json").code) == 2


@pytest.mark.parametrize("form", ["table", "json", "csv", "svg"])
def test_a_file_is_written_whole_and_none_is_replaced_unasked(nb: Runner, place: Place, form: str) -> None:
    path = place.project / f"out.{form}"
    ran = nb("stats", "--format", form, "--output", str(path), "--json")
    assert (ran.code, ran.data["output"]) == (0, str(path))
    assert path.stat().st_size > 100
    assert nb("stats", "--format", form, "--output", str(path)).code == 7
    assert nb("stats", "--format", form, "--output", str(path), "--yes").code == 0
    assert [found.name for found in place.project.glob("*out*")] == [path.name]
    assert list(place.project.glob(".*.part")) == []


def test_a_file_that_cannot_be_written_is_one_line(nb: Runner, place: Place) -> None:
    ran = nb("stats", "--format", "csv", "--output", str(place.project / "missing" / "out.csv"))
    assert (ran.code, ran.err.splitlines()[0][-26:]) == (1, " No such file or directory")


def test_the_chart_is_labelled_and_says_every_value(nb: Runner) -> None:
    chart = Xml.fromstring(nb("stats", "--format", "svg").out)
    assert chart.get("role") == "img"
    assert chart.get("aria-labelledby") == "title description"
    assert chart.findtext(f"{SVG}title") == "Revenue and cost by model, staging"
    assert "nano-banana-pro: revenue $2.20, cost $1.10" in (chart.findtext(f"{SVG}desc") or "")
    spoken = [bar.findtext(f"{SVG}title") for bar in chart.iter(f"{SVG}rect")]
    assert "kling-v2-6: cost $1.10" in spoken


def test_the_chart_fetches_and_runs_nothing(nb: Runner) -> None:
    text = nb("stats", "--format", "svg").out
    assert "prefers-color-scheme: dark" in text
    for forbidden in ("<script", "href", "url(", "@import", "onload"):
        assert forbidden not in text


def test_names_of_others_are_text_in_the_chart() -> None:
    text = statistics_view.svg_of(statistics(rows=[row('<script>&"')]), "staging")  # type: ignore[arg-type]
    assert "<script>" not in text
    assert Xml.fromstring(text) is not None


def test_what_a_chart_has_no_room_for_is_one_bar() -> None:
    rows = [row(f"model-{number}") for number in range(40)]
    text = statistics_view.svg_of(statistics(rows=rows), "staging")  # type: ignore[arg-type]
    assert "26 others: revenue $57.20" in text


@pytest.mark.parametrize("values", [[], ["0"], ["-5", "3"], ["-2", "-1"], ["0.004"], ["1e9"], ["1", "1"]])
@pytest.mark.parametrize("is_timeline", [True, False])
def test_every_bar_lies_inside_the_picture(values: list[str], is_timeline: bool) -> None:
    bars = [Bars(f"11-{number:02}", (Decimal(value), -Decimal(value))) for number, value in enumerate(values)]
    root = Xml.fromstring(charts.draw(Chart("t", "s", "d", ("a", "b"), bars, is_timeline)))
    height = float(root.get("height") or 0)
    for bar in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(bar.get(name) or "nan") for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= charts.WIDTH
        assert 0 <= y <= y + high <= height


def test_a_year_of_days_is_labelled_sparsely() -> None:
    bars = [Bars(f"{number}", (Decimal(1), Decimal(1))) for number in range(366)]
    root = Xml.fromstring(charts.draw(Chart("t", "s", "d", ("a", "b"), bars, is_timeline=True)))
    labels = [text for text in root.iter(f"{SVG}text") if text.get("class") == "middle"]
    assert len(labels) <= charts.MOST_LABELS


@pytest.mark.parametrize(
    ("value", "text"), [("0", "$0"), ("1250", "$1,250"), ("0.4", "$0.40"), ("-3", "-$3"), ("-0.001", "$0")]
)
def test_money_is_written_as_people_do(value: str, text: str) -> None:
    assert charts.money(Decimal(value)) == text


def test_a_file_of_numbers_is_no_secret_and_no_program(nb: Runner, place: Place) -> None:
    path: Path = place.project / "out.csv"
    nb("stats", "--format", "csv", "--output", str(path))
    assert not path.stat().st_mode & stat.S_IXUSR
