"""`nb agent-log list`, `show` and `render`: newest first, found by any beginning, a page that is the same each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.agent_log import document, view
from cli.agent_log.entry import Entry, Kind, Status, new_id
from tests.cli.agent_log.conftest import World
from tests.cli.conftest import Runner

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def five(world: World) -> list[Entry]:
    """Five entries, the newest first, the first two of one day."""
    found = []
    for number, hours in enumerate((0, 1, 30, 60, 400)):
        moment = NOW - timedelta(hours=hours)
        entry = Entry(
            id=new_id(moment),
            date=moment.date(),
            kind=Kind.INCIDENT if number == 2 else Kind.WORK,
            status=Status.OPEN if number == 1 else Status.DONE,
            title=f"Запись {number}",
            agent="Codex" if number % 2 else "Лиса",
            did=("сделал",),
            result="" if number == 1 else "готово",
        )
        world.log.write(world.log.path_of(entry), document.written(entry))
        found.append(entry)
    return found


def titles(nb: Runner, *options: str) -> list[str]:
    """What a list shows."""
    return [item["title"] for item in nb("agent-log", "list", *options, "--json").data["items"]]


def test_the_newest_is_first_also_within_a_day(nb: Runner, five: list[Entry]) -> None:
    assert titles(nb) == [f"Запись {number}" for number in range(5)]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("-n", "2"), [0, 1]),
        (("--since", "2026-11-21"), [0, 1, 2]),
        (("--agent", "CODEX"), [1, 3]),
        (("--status", "open"), [1]),
        (("--kind", "incident"), [2]),
        (("--kind", "work", "--agent", "лиса", "--limit", "1"), [0]),
        (("--kind", "staging-deploy"), []),
    ],
    ids=str,
)
def test_a_list_is_narrowed(nb: Runner, five: list[Entry], options: tuple[str, ...], numbers: list[int]) -> None:
    assert titles(nb, *options) == [f"Запись {number}" for number in numbers]


def test_a_list_says_how_many_more_there_are(nb: Runner, five: list[Entry]) -> None:
    assert nb("agent-log", "list", "-n", "2", "--json").data["total"] == 5
    assert "3 older ones: -n 5" in nb("agent-log", "list", "-n", "2").out
    assert nb("agent-log", "list", "--kind", "staging-deploy").out == "There are no entries.\n"


@pytest.mark.parametrize("columns", ["80", "40"])
def test_an_id_is_whole_on_every_screen(
    nb: Runner, five: list[Entry], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = nb("agent-log", "list").out
    assert all(entry.id in out for entry in five)
    assert max(map(len, out.splitlines())) <= int(columns)


def test_an_entry_is_found_by_its_id_by_a_beginning_by_its_ulid_and_as_the_latest(
    nb: Runner, five: list[Entry]
) -> None:
    wanted = five[3].id
    for name in (wanted, wanted.lower(), wanted[:18], wanted[:10], wanted[11:25], f"Документация/logs/{wanted}.md"):
        assert nb("agent-log", "show", name, "--json").data["entry"]["id"] == wanted, name
    assert nb("agent-log", "show", "latest", "--json").data["entry"]["id"] == five[0].id
    assert nb("agent-log", "show", "--json").data["entry"]["id"] == five[0].id


def test_an_entry_is_shown_as_it_is_rendered(nb: Runner, five: list[Entry]) -> None:
    out = nb("agent-log", "show", five[0].id).out
    assert "## [2026-11-22] Работа: Запись 0\n\n**Агент:** Лиса\n" in out
    assert nb("agent-log", "show", "--json").data["text"].startswith("---\nid: ")


def test_a_beginning_of_several_names_them(nb: Runner, five: list[Entry]) -> None:
    ran = nb("agent-log", "show", "2026-11-22", "--json")
    assert (ran.code, ran.error["code"]) == (2, "ambiguous")
    assert five[0].id in ran.error["message"]
    assert five[1].id in ran.error["message"]


def test_an_unknown_id_names_near_ones(nb: Runner, five: list[Entry]) -> None:
    wrong = five[4].id[:-1] + ("0" if five[4].id[-1] != "0" else "1")
    ran = nb("agent-log", "show", wrong, "--json")
    assert (ran.code, ran.error["code"]) == (3, "unknown_entry")
    assert five[4].id in ran.error["message"]
    assert "latest" in nb("agent-log", "show", "lates", "--json").error["message"]
    assert nb("agent-log", "show", "20", "--json").code == 3


def test_an_empty_log_has_no_latest(nb: Runner, world: World) -> None:
    ran = nb("agent-log", "show", "--json")
    assert (ran.code, ran.error["fix"]) == (3, 'nb agent-log add "Что сделано"')


def test_the_page_has_every_entry_the_newest_first(nb: Runner, world: World, five: list[Entry]) -> None:
    ran = nb("agent-log", "render", "--json")
    assert ran.data == {"file": "Документация/AGENTS_LOGS.md", "entries": 5, "changed": True}
    text = world.log.view.read_text("utf-8")
    assert text.startswith(f"{view.MARK}\n\n# Журнал действий агентов\n\n## [2026-11-22] Работа: Запись 0\n")
    places = [text.index(f"Запись {number}\n") for number in range(5)]
    assert places == sorted(places)
    assert text.endswith("готово\n")


def test_the_page_is_the_same_byte_for_byte(nb: Runner, world: World, five: list[Entry]) -> None:
    nb("agent-log", "render")
    before = world.log.view.read_bytes()
    assert nb("agent-log", "render", "--json").data["changed"] is False
    world.log.view.unlink()
    nb("agent-log", "render")
    assert world.log.view.read_bytes() == before


def test_a_rehearsal_of_the_page_prints_it(nb: Runner, world: World, five: list[Entry]) -> None:
    assert "# Журнал действий агентов" in nb("agent-log", "render", "--dry-run").out
    assert not world.log.view.exists()


def test_an_empty_page_says_so(nb: Runner, world: World) -> None:
    nb("agent-log", "render")
    assert world.log.view.read_text("utf-8").endswith("# Журнал действий агентов\n\nЗаписей пока нет.\n")


def test_a_page_of_somebodys_hand_is_never_overwritten(nb: Runner, world: World, five: list[Entry]) -> None:
    history = "# Журнал\n\n## [2025-12-08] Staging Deployment: #506\n"
    world.log.write(world.log.view, history)
    ran = nb("agent-log", "render", "--json")
    assert (ran.code, ran.error["code"]) == (7, "view_foreign")
    assert "git mv" in ran.error["fix"]
    ran = nb("agent-log", "add", "Цена", "--json")
    assert (ran.code, [notice["code"] for notice in ran.document["warnings"]]) == (0, ["view_foreign"])
    assert world.log.view.read_text("utf-8") == history


def test_a_page_that_git_tracks_is_left_alone_by_a_new_entry(nb: Runner, world: World) -> None:
    nb("agent-log", "render")
    world.git("add", "-f", str(world.log.view))
    before = world.log.view.read_text("utf-8")
    ran = nb("agent-log", "add", "Цена", "--json")
    assert [notice["code"] for notice in ran.document["warnings"]] == ["view_tracked"]
    assert world.log.view.read_text("utf-8") == before


def test_a_page_that_cannot_be_written_does_not_take_the_entry_with_it(nb: Runner, world: World) -> None:
    (world.log.folder / ".gitignore").mkdir(parents=True)
    ran = nb("agent-log", "add", "Цена", "--json")
    assert (ran.code, len(world.files())) == (0, 1)
    assert [notice["code"] for notice in ran.document["warnings"]] == ["cannot_write"]


def test_what_git_ignored_before_it_still_does(nb: Runner, world: World) -> None:
    ignored = world.log.folder / ".gitignore"
    world.log.write(ignored, "*.bak")
    nb("agent-log", "render")
    nb("agent-log", "render")
    assert ignored.read_text() == "*.bak\n/AGENTS_LOGS.md\n.*.tmp\n"
