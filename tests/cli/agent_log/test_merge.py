"""The proof: branches that each add an entry merge without a conflict, and the page has all, the newest first."""

from __future__ import annotations

import pytest

from tests.cli.agent_log.conftest import World
from tests.cli.conftest import run_nb

pytestmark = pytest.mark.integration


def add_on(world: World, branch: str, title: str) -> None:
    """A branch from staging with an entry of its own, everything that is there committed, as the regulation says."""
    world.git("checkout", "-q", "-b", branch, "staging")
    ran = run_nb("agent-log", "add", title, "--agent", branch, "--json")
    assert ran.code == 0, ran.out
    assert run_nb("agent-log", "render").code == 0
    world.git("add", ".")
    world.git("commit", "-q", "-m", f"docs: {title}")


def test_two_branches_that_each_add_an_entry_merge_without_a_conflict(world: World) -> None:
    add_on(world, "feature/one", "Первая")
    add_on(world, "feature/two", "Вторая")
    world.git("checkout", "-q", "staging")
    world.git("merge", "-q", "--no-edit", "feature/one")
    world.git("merge", "-q", "--no-edit", "feature/two")
    assert world.git("status", "--short") == ""
    assert run_nb("agent-log", "render").code == 0
    text = world.log.view.read_text("utf-8")
    assert text.index("Staging Deployment: Вторая") < text.index("Staging Deployment: Первая")
    assert text.count("\n## [") == 2
    ran = run_nb("agent-log", "lint", "--json")
    assert (ran.code, ran.data["entries"], ran.data["findings"]) == (0, 2, [])


def test_ten_squashed_branches_give_one_page_in_whatever_order_they_come(world: World) -> None:
    pages: list[bytes] = []
    for order in (range(10), range(9, -1, -1)):
        for number in order:
            branch = f"feature/{number}"
            if not pages:
                add_on(world, branch, f"Запись {number}")
        world.git("checkout", "-q", "-B", f"merged-{len(pages)}", "staging")
        for number in order:
            world.git("merge", "-q", "--squash", f"feature/{number}")
            world.git("commit", "-q", "-m", f"feat: {number}")
        assert run_nb("agent-log", "render").code == 0
        pages.append(world.log.view.read_bytes())
    assert pages[0] == pages[1]
    assert pages[0].count(b"\n## [") == 10


def test_a_rebased_branch_keeps_its_entry(world: World) -> None:
    add_on(world, "feature/one", "Первая")
    add_on(world, "feature/two", "Вторая")
    world.git("rebase", "-q", "feature/one")
    assert len(world.files()) == 2


def test_the_page_never_comes_into_a_commit(world: World) -> None:
    add_on(world, "feature/one", "Первая")
    names = world.git("-c", "core.quotePath=false", "ls-files", "Документация").split("\n")
    assert "Документация/.gitignore" in names
    assert "Документация/AGENTS_LOGS.md" not in names
    assert len(names) == 2
