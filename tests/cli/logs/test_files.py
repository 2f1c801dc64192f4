"""The fast way through a file finds what a reading of every line finds, whatever the file holds."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.logs import files, spans
from cli.logs.files import LogFile
from cli.logs.lines import Line, grouped, parse
from cli.logs.literals import required
from cli.logs.local import log_files, newest
from cli.logs.query import Query

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
WORDS = ("request", "timed out", "Ошибка", 'say "no"', "a\\b", "status=500", "fox\ttrot", "ERROR", "Traceback", "null")
CODES = ("f4e7c80c649bd3b6022aa3663ef036fc", "aaaa7c80c649bd3b6022aa3663ef036f", "7dfefc3a1ae3433bba7aea7499d80aac")
words = st.sampled_from(WORDS)
values = st.one_of(words, st.integers(0, 600), st.booleans(), st.none(), st.lists(words, max_size=2), st.floats(0, 9))
fields = st.dictionaries(st.sampled_from(("status", "trace_id", "run_code", "note", "message")), values, max_size=3)
levels = st.sampled_from(("debug", "info", "warning", "error", "critical", "WARNING", "fatal", "strange"))
encodings: list[Callable[[object], str]] = [
    lambda entry: json.dumps(entry, ensure_ascii=False, separators=(",", ":")),
    lambda entry: json.dumps(entry, ensure_ascii=False),
    lambda entry: json.dumps(entry),
]


KINDS = ("json", "json", "own", "own", "postgres", "more", "redis", "plain", "loose", "stack", "bad", "torn")


def own(draw: st.DrawFn, word: str) -> str:
    """A line as our services write it: what nobody searches comes first."""
    entry = {"at": "%s", "level": draw(levels), "service": "web", "logger": draw(words), "event": word, **draw(fields)}
    text = json.dumps(entry, ensure_ascii=draw(st.booleans()), separators=(",", ":"))
    return text.replace("%", "%%").replace("%%s", "%s", 1)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line of any form, its time left open as %s."""
    kind = draw(st.sampled_from(KINDS))
    word = draw(words)
    if kind in ("own", "torn"):
        text = own(draw, word)
        # Two processes that write at once, or a disk that is full.
        return (
            text if kind == "own" else text[: draw(st.integers(1, len(text)))].rstrip("%") + draw(st.just("}") | words)
        )
    if kind == "json":
        entry = {"at": "%s", "level": draw(levels), "event": word, **draw(fields)}
        if draw(st.booleans()):
            entry["trace_id"] = draw(st.sampled_from(CODES))
        if draw(st.integers(0, 5)) == 0:
            entry["exception"] = f"Traceback (most recent call last):\n  File\nE: {word}"
        return draw(st.sampled_from(encodings))(entry).replace("%", "%%").replace("%%s", "%s", 1)
    if kind == "postgres":
        return f"%s UTC [42] {draw(st.sampled_from(('LOG', 'ERROR', 'PANIC')))}:  {word}"
    if kind == "more":
        return f"%s UTC [42] STATEMENT:  {word}\n\tand more"
    if kind == "plain":
        return f"%s {draw(st.sampled_from(('INFO', 'ERROR', 'WARNING')))} {word}"
    return {
        "redis": f"1:M 22 Nov 2026 12:00:00.000 # WARNING {word}",
        "loose": word,
        "bad": "{" + word,
        "stack": f"Traceback (most recent call last):\n  File\nValueError: {word}",
    }[kind]


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """A file: lines of any form, each a little later than the one before."""
    text, at = "", START
    for line in draw(st.lists(lines(), max_size=40)):
        at += timedelta(milliseconds=draw(st.integers(0, 40_000)))
        if line.startswith("1:M"):
            line = line.replace("12:00:00.000", at.strftime("%H:%M:%S.%f")[:-3])
        stamp = at.isoformat() if line.startswith("{") else at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        text += (line % stamp if "%s" in line else line.replace("%%", "%")) + "\n"
    return text.encode()


patterns = st.sampled_from(
    (
        *map(re.escape, WORDS),
        "status=5",
        r"status=\d00",
        "timed|refused",
        "(request|nobody) ",
        "reques?t",
        r"\d{3}",
        "a{2}",
        "^request",
        "E: [rt]",
        "(?:fox)+",
        ".",
        "note=.*no",
        "x*",
        "true|null",
        r"\b5\d\d\b",
        r"\bno\b",
        r"[45]\d\d",
        r"\d\.?\d",
        r"\w+ed\b",
        r"=\w",
        r"s=+5",
        "[a-f]{2,3}x?",
        r"\S\s",
        "q|z",
        "t.m",
        "^r.q",
        "[а-яё]ш",
        "[aя]",
        r"2026-\d\d",
        r"\d\d:\d\d",
        "web",
        "http|fox",
        "^request note=request$",
        "OSHIBKA|ошибка",
        "say",
        r"[k-s]{4}",
        r"\s\s",
    )
)
queries = st.builds(
    Query,
    since=st.none() | st.integers(0, 600).map(lambda seconds: START + timedelta(seconds=seconds)),
    until=st.none() | st.integers(0, 600).map(lambda seconds: START + timedelta(seconds=seconds)),
    level=st.none() | st.sampled_from(("debug", "info", "warning", "error", "critical")),
    grep=st.none() | st.builds(re.compile, patterns, st.sampled_from((re.NOFLAG, re.IGNORECASE))),
    trace=st.none() | st.sampled_from((*CODES, CODES[0][:8])),
    generation=st.none() | st.sampled_from(CODES[2:]),
)


def naive(content: bytes, query: Query, changed: datetime) -> list[Line]:
    """Every line of the whole file, parsed and judged one by one."""
    texts = [text for text in content.decode(errors="replace").split("\n") if text.strip()]
    found = grouped(parse("web", text) for text in texts)
    times = [line.at for line in found if line.at is not None]
    at = times[0] if times else changed
    timed = []
    for line in found:
        at = line.at or at
        timed.append(replace(line, at=at))
    return [line for line in timed if query.matches(line)]


@given(content=logs(), query=queries, block=st.sampled_from((64, 300, 2**20)))
@settings(max_examples=400, deadline=None)
def test_the_fast_way_finds_what_the_naive_one_does(content: bytes, query: Query, block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        patch.setattr(files, "PROBE", max(block, 4096))
        patch.setattr(spans, "MANY", 2)
        patch.setattr(spans, "OFTEN", 2**20)
        patch.setattr(spans, "FEW", 1)
        path = Path(folder) / "web.log"
        path.write_bytes(content)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        found = list(LogFile(path, "web").newest_first(query))[::-1]
    assert found == naive(content, query, changed)


@given(word=st.text(max_size=8), pattern=patterns, flags=st.sampled_from((re.NOFLAG, re.IGNORECASE)))
def test_what_is_looked_for_first_is_in_every_line_that_matches(word: str, pattern: str, flags: re.RegexFlag) -> None:
    expression = re.compile(pattern, flags)
    scans = required(expression)
    for name in ("status", word or "x"):
        for is_ascii in (True, False):
            text = json.dumps({"event": word, name: word}, ensure_ascii=is_ascii)
            if expression.search(parse("web", text).text):
                raw = text.encode("utf-8", "replace")
                assert all(any(part.search(raw) for part in scan) for scan in scans)


ESCAPED, ESCAPED_ASCII = rb"\\[u/]", rb"\\(?:u00[2-7]|/)"


@pytest.mark.parametrize(
    ("pattern", "looked_for"),
    [
        ("timeout", [[b"timeout"]]),
        ("timed out", [[b"timed"], [b"out"]]),
        ("refused|timeout", [[b"refused", b"timeout"]]),
        (r"\d+ (fox|dog)house", [[b"house"], [b"fox", b"dog"]]),
        ("status=500", [[rb'status(?:=|"\s*:\s*"?)500']]),
        ("(?:abc)?xyz+", [[b"xy(?:z){1,}"]]),
        ("z|fox", [[b"z", b"fox"]]),
        ("[a-q]{2} x", [[b"x"], [b"(?:[abcdefghijklmnopq]){2,2}"]]),
        ("5[0-9]{2}", [[b"5(?:[0123456789]){2,2}"]]),
        ("^q.z", [[b"q"], [b"z"]]),
    ],
)
def test_a_pattern_tells_what_it_cannot_match_without(pattern: str, looked_for: list[list[bytes]]) -> None:
    told = [[part.pattern for part in scan] for scan in required(re.compile(pattern))]
    assert [scan[:-1] for scan in told if scan[-1] == ESCAPED_ASCII] == looked_for


@pytest.mark.parametrize(
    ("pattern", "looked_for"),
    [(r"5\d", rb"5(?:[0-9]|[\xc2-\xf4][\x80-\xbf]{1,3})"), ("[а-я]", rb"[\xc2-\xf4][\x80-\xbf]{1,3}")],
)
def test_a_letter_beyond_ascii_may_be_escaped(pattern: str, looked_for: bytes) -> None:
    (scan,) = required(re.compile(pattern))
    assert [part.pattern for part in scan] == [looked_for, ESCAPED]


@pytest.mark.parametrize("pattern", [r"\s+", "a|.", ".*", "(?i:fox)", "[^abc]{9}", "x?y?z?", "(?x) f o x", "=+", r"\b"])
def test_a_pattern_of_which_nothing_is_sure_tells_nothing(pattern: str) -> None:
    assert required(re.compile(pattern)) == ()


@pytest.mark.parametrize(
    ("text", "pattern", "flags"),
    [
        (r'{"event":"a \u003cb\u003e"}', "<b>", re.NOFLAG),
        (r'{"event":"app\/v1"}', "app/v1", re.NOFLAG),
        ('{"event":"20 \u212aB"}', "kb", re.IGNORECASE),
        ('{"event":"\u0131stanbul"}', "istanbul", re.IGNORECASE),
        ('{"event":"яx"}', "[aя]x", re.NOFLAG),
        ('{"event":true}', "true", re.NOFLAG),
        ('{"event":{"a":1}}', "a", re.NOFLAG),
        ('{"at":"2026-11-22T12:00:00Z","level":"info","event":"cut', "2026-11", re.NOFLAG),
        ('{"at":"2026-11-22T12:00:00Z","level":"info"{"at":"2026-11-22T12:00:00Z"}', "level", re.NOFLAG),
        ('{"at":"2026-11-22T12:00:00Z","event":"x","n":01}', "2026-11", re.NOFLAG),
        ('{"at":"2026-11-22T12:00:00Z","event":"x","n":' + "9" * 5000 + "}", "2026-11", re.NOFLAG),
    ],
)
def test_what_is_written_in_an_unusual_way_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, pattern: str, flags: re.RegexFlag
) -> None:
    monkeypatch.setattr(spans, "MANY", 2)
    monkeypatch.setattr(spans, "OFTEN", 2**20)
    others = [f'{{"at":"2026-11-22T12:00:00Z","level":"info","event":"n{n}"}}' for n in range(20)]
    (tmp_path / "web.log").write_text("\n".join([*others, text, *others]) + "\n")
    query = Query(grep=re.compile(pattern, flags))
    assert [line.event for line in newest(log_files(tmp_path), query, 9).lines] == [parse("web", text).event]


def test_one_broken_line_costs_the_others_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f'{{"at":"{START.isoformat()}","event":"n {n}"}}' for n in range(2000)]
    rows[700] = rows[700][:-1]
    (tmp_path / "web.log").write_text("\n".join(rows))
    parsed = 0

    def counting(service: str, text: str) -> Line:
        nonlocal parsed
        parsed += 1
        return parse(service, text)

    monkeypatch.setattr(files, "parse", counting)
    assert newest(log_files(tmp_path), Query(grep=re.compile(r"\s\s")), 9).lines == []
    assert 0 < parsed < 20


def test_no_text_makes_the_first_look_take_for_ever() -> None:
    (scan,) = required(re.compile(r"\w+x\b"))
    started = time.thread_time()
    assert not any(part.search(("слово" * 40).encode()) for part in scan)
    assert time.thread_time() - started < 10, "more than ten times what it takes on a slow machine"


def test_what_is_in_every_line_is_found_as_fast_as_by_reading_them_all(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    path.write_text("".join(f'{{"at":"{START.isoformat()}","event":"n{n}"}}\n' for n in range(3000)))
    found = newest(log_files(tmp_path), Query(grep=re.compile(r"n\d\d7$", re.MULTILINE)), 200)
    assert len(found.lines) == 90


def test_only_what_is_needed_of_a_large_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "web.log"
    rows = (f'{{"at":"{(START + timedelta(seconds=n)).isoformat()}","event":"n{n}"}}\n' for n in range(40_000))
    path.write_text("".join(rows))
    read = 0
    original = files._Reader._read

    def counting(self: files._Reader, start: int, end: int) -> bytes:
        nonlocal read
        read += end - start
        return original(self, start, end)

    monkeypatch.setattr(files._Reader, "_read", counting)
    monkeypatch.setattr(files, "BLOCK", 64 * 1024)
    middle = START + timedelta(seconds=20_000)
    found = newest(log_files(tmp_path), Query(since=middle, until=middle + timedelta(seconds=2)), 200)
    assert [line.event for line in found.lines] == ["n20000", "n20001", "n20002"]
    assert read < path.stat().st_size / 2
    read = 0
    assert [line.event for line in newest(log_files(tmp_path), Query(), 1).lines] == ["n39999"]
    assert read <= 64 * 1024


def test_a_line_longer_than_a_block_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 100)
    path = tmp_path / "web.log"
    path.write_text(
        f'{{"at":"{START.isoformat()}","event":"first"}}\n{{"at":"{START.isoformat()}","event":"{"x" * 999}"}}\n'
    )
    assert [len(line.event) for line in LogFile(path, "web").newest_first(Query())] == [999, 5]


def test_a_file_of_nothing_but_words_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 100)
    monkeypatch.setattr(files, "LONGEST_RECORD", 300)
    path = tmp_path / "prepare.log"
    path.write_text("".join(f"word {n}\n" for n in range(500)))
    found = [line.event for line in LogFile(path, "prepare").newest_first(Query())]
    assert found == [f"word {n}" for n in reversed(range(500))]


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_bytes(b"\xff\xfe\x00 boo\n")
    (line,) = newest(log_files(tmp_path), Query(), 5).lines
    assert line.event == "��\x00 boo"


def test_only_logs_are_taken_for_logs(tmp_path: Path) -> None:
    for name in ("web.log", "web.log.1", "worker-2.log", "notes.txt", "web.log.gz", ".hidden.log"):
        (tmp_path / name).touch()
    (tmp_path / "folder.log").mkdir()
    assert [(file.path.name, file.service) for file in log_files(tmp_path)] == [
        ("web.log", "web"),
        ("web.log.1", "web"),
        ("worker-2.log", "worker"),
    ]


def test_a_line_without_an_end_is_shown_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK", 100)
    monkeypatch.setattr(files, "LONGEST_RECORD", 300)
    (tmp_path / "web.log").write_text("x" * 1000)
    found = list(LogFile(tmp_path / "web.log", "web").newest_first(Query()))
    assert "".join(line.event for line in found) == "x" * 1000
    assert max(len(line.event) for line in found) <= 400
