"""The forms of an entry: front matter, template, ids. What is written reads back; what is not ours is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.agent_log import document, frontmatter, template, words
from cli.agent_log.entry import (
    Deployment,
    Entry,
    Kind,
    Pull,
    PullState,
    Status,
    Verdict,
    day_of,
    moment_of,
    new_id,
)
from cli.agent_log.frontmatter import Malformed

NOW = datetime(2026, 11, 22, 23, 59, 59, 123000, tzinfo=UTC)

ENTRY = Entry(
    id="2026-11-22-01KA0000000000000000000000",
    date=date(2026, 11, 22),
    kind=Kind.STAGING_DEPLOY,
    status=Status.DONE,
    title="Новая цена",
    agent="codex",
    branch="feature/fox",
    pull=Pull(PullState.MERGED, 464, "auto"),
    commits=("617363e0", "12345678", "6a090cb"),
    commit="6a090cb",
    runs=("f" * 32,),
    deployments={"web": Deployment("d-1", "SUCCESS"), "beat": Deployment("", "absent")},
    verdict=Verdict.PASSED,
    is_pushed=True,
    sources={"branch": "git"},
)

TEXT = """\
---
id: 2026-11-22-01KA0000000000000000000000
date: 2026-11-22
kind: staging-deploy
status: done
agent: codex
branch: feature/fox
pr: 464
pr_state: MERGED
pr_merge: auto
pushed: true
commits: ["617363e0", "12345678", 6a090cb]
commit: 6a090cb
deployments:
  web: {id: d-1, state: SUCCESS}
  beat: {id: "", state: absent}
verdict: passed
runs: [ffffffffffffffffffffffffffffffff]
sources:
  branch: git
---

## [2026-11-22] Staging Deployment: Новая цена

**Агент:** codex
**Ветка:** feature/fox
**PR:** #464 (Status: MERGED)

### Выполненные действия:
1. Push в GitHub
2. PR Status: MERGEABLE (Auto-merged)
3. Railway deployment: ✅ SUCCESS

### Результат:
✅ Staging готов к тестированию
"""

one_line = st.text(max_size=80).map(words.one_line)


def test_an_entry_is_written_so_and_read_back() -> None:
    assert document.written(ENTRY) == TEXT
    assert document.read(TEXT) == ENTRY


@given(
    title=one_line.filter(bool),
    agent=one_line,
    branch=one_line,
    did=st.lists(one_line.filter(bool), max_size=3).map(tuple),
    result=one_line.filter(lambda text: text not in template.AUTOMATIC),
    kind=st.sampled_from(Kind),
    status=st.sampled_from(Status),
    pull=st.builds(Pull, st.sampled_from(PullState), st.none() | st.integers(1, 10**9), one_line),
    verdict=st.sampled_from(Verdict),
    pushed=st.sampled_from([True, False, None]),
)
def test_whatever_the_words_are_an_entry_reads_back(
    title: str,
    agent: str,
    branch: str,
    did: tuple[str, ...],
    result: str,
    kind: Kind,
    status: Status,
    pull: Pull,
    verdict: Verdict,
    pushed: bool | None,
) -> None:
    entry = replace(
        ENTRY,
        title=title,
        agent=agent,
        branch=branch,
        did=did,
        result=result,
        kind=kind,
        status=status,
        pull=pull,
        verdict=verdict,
        is_pushed=pushed,
    )
    text = document.written(entry)
    assert document.read(text) == entry
    assert document.written(document.read(text)) == text


scalars = st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=30)
names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)


@given(
    st.dictionaries(
        names,
        scalars
        | st.lists(scalars, max_size=4)
        | st.dictionaries(names, scalars | st.dictionaries(names, scalars, max_size=3), max_size=3),
        max_size=5,
    )
)
def test_front_matter_reads_back(fields: dict[str, Any]) -> None:
    read, below, line = frontmatter.split(frontmatter.written(fields) + "below\n")
    assert (read, below) == (fields, "below\n")
    assert (frontmatter.written(fields) + "below\n").split("\n")[line - 1] == "below"


@pytest.mark.parametrize(
    "text", ["null", "2026-11-22", "Yes", "off", "12", "1e5", "0x1f", "1_000", "-", "~", "#x", "a: b", "a #b", ""]
)
def test_what_another_reader_would_take_for_something_else_is_quoted(text: str) -> None:
    assert frontmatter.written({"key": text}).split("\n")[1] == f'key: "{text}"'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("# an old page\n", 1),
        ("---\nid: x\n", 3),
        ("---\nid: x\nid: y\n---\n", 3),
        ("---\n- a\n---\n", 2),
        ("---\nid: &anchor x\n---\n", 2),
        ("---\nid: |\n  text\n---\n", 3),
        ("---\nid: [a, b\n---\n", 2),
        ("---\nid: [a b]\n---\n", 2),
        ('---\nid: "a\n---\n', 2),
        ('---\nid: "\\q"\n---\n', 2),
        ("---\nid: a b\n---\n", 2),
        ("---\nid: {a}\n---\n", 2),
        ("---\nid: ,\n---\n", 2),
        ("---\nid:\n  a: [1]\n---\n", 3),
        ("---\nid: x # why\n---\n", 2),
        ("---\nid:\tx\n---\n", 2),
        ("<<<<<<< HEAD\n---\n", 1),
    ],
    ids=repr,
)
def test_other_front_matter_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Malformed) as caught:
        frontmatter.split(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("status: done", "status: closed"),
        ("kind: staging-deploy", "kind: deploy"),
        ("date: 2026-11-22", "date: 2026-13-22"),
        ("pr: 464", "pr: 0"),
        ("pr: 464", 'pr: "464"'),
        ("pushed: true", "pushed: 1"),
        ("verdict: passed", "verdict: ok"),
        ("commit: 6a090cb\n", ""),
        ("commit: 6a090cb", "commit: [6a090cb]"),
        ("runs: [ffffffffffffffffffffffffffffffff]", "runs: none"),
        ('"12345678"', "12345678"),
        ("{id: d-1, state: SUCCESS}", "SUCCESS"),
        ("sources:\n  branch: git", "sources: git"),
        ("verdict: passed", "verdict: passed\nmood: good"),
        ("## [2026-11-22]", "## [2026-11-21]"),
        ("Staging Deployment:", "Production Deployment:"),
        ("Staging Deployment:", "Deployment:"),
        ("### Результат:", "### Итог:"),
        ("### Выполненные действия:", "### Результат:"),
        ("1. Push в GitHub", "Push в GitHub"),
        ("1. Push в GitHub", "1. Запушено"),
        ("2. PR Status", "3. PR Status"),
        ("3. Railway deployment: ✅ SUCCESS\n", ""),
    ],
    ids=lambda value: value[:30],
)
def test_an_entry_that_was_changed_by_hand_is_refused(found: str, instead: str) -> None:
    assert found in TEXT
    with pytest.raises(Malformed):
        document.read(TEXT.replace(found, instead, 1))


def test_ids_sort_by_the_time_they_were_made_at_and_carry_it() -> None:
    made = [new_id(NOW + timedelta(milliseconds=20 * step)) for step in range(50)]
    assert made == sorted(made)
    assert len({*made}) == 50
    assert day_of(made[0]) == date(2026, 11, 22)
    assert moment_of(made[0]) == NOW
    assert made[0].startswith("2026-11-22-01")
    assert day_of(made[-1]) == date(2026, 11, 23), "the day of an id is that of UTC"


def test_an_id_has_the_random_bits_of_a_ulid() -> None:
    assert new_id(NOW, lambda count: b"\xff" * count)[-16:] == "Z" * 16
    assert new_id(NOW, lambda count: b"\x00" * count)[-16:] == "0" * 16


@pytest.mark.parametrize(
    "text", ["", "2026-11-22", "2026-11-22-01KA", "2026-02-30-01KA0000000000000000000000", "x" * 37]
)
def test_what_is_no_id_has_no_day(text: str) -> None:
    assert day_of(text) is None


def test_an_id_beyond_the_calendar_has_no_moment() -> None:
    assert moment_of(f"2026-11-22-7{'Z' * 25}") is None
    assert moment_of("no id") is None


@pytest.mark.parametrize(
    "text",
    [
        "ghp_0123456789abcdef0123456789abcdef0123",
        "nbk_0123456789abcdef",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://user:secretword@host/db",
        "Authorization: Bearer abcdefghijklmnop1234",
        "WEBHOOK_SECRET=a1b2c3d4e5f6a7b8",
        "токен: a1b2c3d4e5f6a7b8",
        "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345",
    ],
)
def test_a_secret_is_recognised(text: str) -> None:
    assert words.holds_secret(f"export {text} и дальше")


@pytest.mark.parametrize(
    "text",
    [
        "commit: 6a090cb1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7",
        "добавлен параметр token в /api/ops",
        "secret: см. Railway",
        "runs: [ffffffffffffffffffffffffffffffff]",
        "https://github.com/fox/bot/pull/464",
    ],
)
def test_what_is_no_secret_passes(text: str) -> None:
    assert not words.holds_secret(text)
