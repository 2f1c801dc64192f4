"""The tool that breaks code breaks it in each of its ways, and puts the change where everybody finds it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from scripts.mutation import grafting, mutants
from scripts.mutation.session import Reach

SOURCE = """
from dataclasses import dataclass
from decimal import Decimal

LIMIT = 3
SHARE = Decimal("0.20")
QUERY = "SELECT id FROM rows WHERE a <= 1 AND b IS NULL FOR UPDATE SKIP LOCKED"


class Box:
    size = 2

    def fits(self, amount):
        return amount <= self.size and not amount < 0


def refuse(amount):
    if amount > LIMIT:
        raise ValueError
    seen.append(amount)
    log.info("seen", amount=amount + 1)
    return min(amount, 2) * SHARE


seen = []
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module called `broken` that is imported already."""
    monkeypatch.chdir(tmp_path)
    Path("broken.py").write_text(SOURCE)
    loaded = ModuleType("broken")
    loaded.__file__ = "broken.py"
    exec(compile(SOURCE, "broken.py", "exec"), loaded.__dict__)
    monkeypatch.setitem(sys.modules, "broken", loaded)
    loaded.__dict__["log"] = type("Log", (), {"info": staticmethod(lambda *_, **__: None)})
    yield loaded


def changes() -> dict[str, mutants.Mutant]:
    """Every mutant of the module by what it changes."""
    return {mutant.change: mutant for mutant in mutants.of(Path("broken.py"))}


def broken_by(part: str) -> None:
    """Graft the mutant whose change has this part."""
    [mutant] = [mutant for change, mutant in changes().items() if part in change]
    grafting.graft(mutant.path, mutant.tree())


@pytest.mark.parametrize(
    "part",
    [
        "amount > LIMIT: Gt -> GtE",
        "amount <= self.size: LtE -> Lt",
        "And -> Or",
        "not amount < 0 -> amount < 0",
        "min -> max",
        "Mult -> Div",
        "without: raise ValueError",
        "without: seen.append(amount)",
        "-> return None",
        "3 -> 4",
        "'0.20' -> '1.20'",
    ],
)
def test_a_change_of_this_kind_is_made(module: ModuleType, part: str) -> None:
    assert [change for change in changes() if part in change]


def test_every_condition_and_lock_of_a_query_is_broken_in_turn(module: ModuleType) -> None:
    broken = {ast.unparse(mutant.tree()) for change, mutant in changes().items() if change.startswith("SQL")}
    texts = "\n".join(broken)
    for part in ("a < 1", "a <= 1 OR b", "b IS NOT NULL", "IS NULL FOR UPDATE'", "IS NULL '"):
        assert part in texts


def test_what_is_only_logged_is_left_alone(module: ModuleType) -> None:
    assert not [change for change in changes() if "seen'" in change or "amount + 1" in change]


def test_a_function_that_was_imported_elsewhere_is_the_broken_one(module: ModuleType) -> None:
    refuse = module.refuse
    with pytest.raises(ValueError):
        refuse(4)
    broken_by("without: raise ValueError")
    assert str(refuse(4)) == "0.40"


def test_a_method_is_broken_for_objects_that_are_there(module: ModuleType) -> None:
    box = module.Box()
    assert box.fits(2)
    broken_by("amount <= self.size: LtE -> Lt")
    assert not box.fits(2)


def test_a_constant_is_broken_in_its_module_and_wherever_it_was_imported(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ModuleType("importer")
    other.__dict__["SHARE"] = module.SHARE
    monkeypatch.setitem(sys.modules, "importer", other)
    broken_by("'0.20' -> '1.20'")
    assert str(other.__dict__["SHARE"]) == "1.20"
    assert str(module.refuse(1)) == "1.20"


def test_a_member_of_a_class_is_broken(module: ModuleType) -> None:
    [mutant] = [one for one in mutants.of(Path("broken.py")) if one.line == 11 and one.change == "2 -> 3"]
    grafting.graft(mutant.path, mutant.tree())
    assert module.Box().fits(3)


def test_what_does_not_even_start_is_said_to_be_so(module: ModuleType) -> None:
    with pytest.raises(grafting.CannotGraft):
        grafting.graft(Path("broken.py"), ast.parse("raise ValueError"))


def test_a_function_that_closes_over_something_else_is_said_to_be_so(module: ModuleType) -> None:
    source = SOURCE.replace(
        "    def fits(self, amount):\n", "    def fits(self, amount):\n        super().__init__()\n"
    )
    with pytest.raises(grafting.CannotGraft, match=r"Box\.fits"):
        grafting.graft(Path("broken.py"), ast.parse(source))


def test_a_watched_module_says_where_it_comes_along(module: ModuleType) -> None:
    seen: list[tuple[str, int, int]] = []
    grafting.watch(Path("broken.py"), lambda *place: seen.append(place))
    module.refuse(1)
    assert {first for _, first, _ in seen} == {18, 20, 21, 22}
    assert {path for path, _, _ in seen} == {"broken.py"}


def test_tests_that_reach_a_line_come_first_the_quick_ones_and_all_of_the_module_for_what_runs_at_import(
    module: ModuleType,
) -> None:
    reach = Reach()
    reach.lines = {
        "slow": {("broken.py", 18), ("broken.py", 20)},
        "quick": {("broken.py", 18)},
        "other": {("x.py", 18)},
    }
    reach.seconds = {"slow": 2.0, "quick": 0.1, "other": 0.1}
    by_change = changes()
    assert reach.of(by_change["amount > LIMIT: Gt -> GtE"]) == ["quick", "slow"]
    assert reach.of(by_change["without: seen.append(amount)"]) == ["slow"]
    assert reach.of(by_change["3 -> 4"]) == ["quick", "slow"]
