"""What people, vendors and other programs wrote is shown as text: no command lets it steer a terminal or be markup."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.conftest import Place, Runner
from tests.cli.emulator import TOKEN, Emulator
from tests.cli.every import LEAVES, Leaf

pytestmark = pytest.mark.integration

HOSTILE = "[red]x[/] [/bold] [link=http://e] \x1b[2J\x1b]0;t\x07 \x9b31m \r \u202eexe\u2066 Ж🦊\u200d\nnext " + "w" * 90

STEERING = set("\x1b\x07\x9b\r\u202e\u2066")

FREE = frozenset(
    {
        "actor",
        "branch",
        "description",
        "detail",
        "error",
        "error_message",
        "first_name",
        "instance",
        "label",
        "language",
        "last_error",
        "last_name",
        "message",
        "name",
        "note",
        "place",
        "prompt",
        "reason",
        "sample",
        "service",
        "summary",
        "text",
        "title",
        "username",
        "what",
        "where",
        "why",
        "words",
    }
)
"""Fields that hold what somebody wrote."""

LISTS = [leaf for leaf in LEAVES if leaf.asks_only_the_service and leaf.path[-1] in ("list", "group", "history")]


def hostile(value: Any) -> Any:
    """The same answer with every free text replaced."""
    if isinstance(value, list):
        return [hostile(one) for one in value]
    if isinstance(value, dict):
        return {key: HOSTILE if key in FREE and isinstance(one, str) else hostile(one) for key, one in value.items()}
    return value


@pytest.fixture
def staging(place: Place, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The service as staging, full of what somebody meant badly."""
    place.write_project(f'[env.staging]\nurl = "{service.url}"\n')
    service.environment = "staging"
    monkeypatch.setenv("NB_ENV", "staging")
    monkeypatch.setenv("NB_TOKEN_STAGING", TOKEN)
    service.answers = {key: hostile(copy.deepcopy(answer)) for key, answer in service.answers.items()}
    for name in ("generations", "models", "processes", "checks"):
        setattr(service, name, hostile(copy.deepcopy(getattr(service, name))))
    yield service


@pytest.mark.parametrize("columns", [80, 40])
@pytest.mark.parametrize("leaf", LISTS, ids=lambda leaf: leaf.name)
def test_texts_of_others_steer_no_terminal(
    nb: Runner, staging: Emulator, leaf: Leaf, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ran = nb(*leaf.called)
    said = ran.out + ran.err
    assert "unexpected" not in said and "Traceback" not in said
    assert not set(said) & STEERING
    assert ran.code in (0, 1)


@pytest.mark.parametrize("command", ["errors list", "audit list", "providers list"])
def test_brackets_are_shown_and_are_no_markup(nb: Runner, staging: Emulator, command: str) -> None:
    assert "[red]" in nb(*command.split()).out
