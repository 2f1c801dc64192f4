"""A demonstration with a folder of its own and a clock that the test moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from providers.demo import DemoProvider


class Clock:
    """Tells the time that the test says it is."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


@pytest.fixture
def provider(folder: Path, clock: Clock) -> DemoProvider:
    return DemoProvider(folder, clock)


def submission_lines(folder: Path) -> list[dict[str, object]]:
    """Return the accepted submissions, in order."""
    path = folder / "submissions.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def drafts(folder: Path) -> list[str]:
    """Return the names of files that were not put in their place."""
    return [path.name for path in folder.rglob("tmp*")]


def submissions(folder: Path) -> list[str]:
    """Return the client ids of accepted submissions, in order."""
    return [str(line["client_id"]) for line in submission_lines(folder)]
