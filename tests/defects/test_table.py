"""Every row of the predecessor's lists has a test that names it, and stands in docs/defects.md with all its tests."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "defects.md"
ROWS = [f"{letter}{number}" for letter, most in (("A", 23), ("D", 18), ("W", 15)) for number in range(1, most + 1)]


def written() -> dict[str, dict[str, str]]:
    """The tests of each row, with their docstrings."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for file in FOLDER.rglob("test_*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                name = re.match(r"test_([adw])(\d\d)_", node.name)
                if name:
                    found[f"{name[1].upper()}{int(name[2])}"][node.name] = ast.get_docstring(node) or ""
    return found


def table() -> dict[str, set[str]]:
    """The tests that the document gives for each row."""
    rows = re.findall(r"^\| ([ADW]\d+) \| .+ \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {row: set(re.findall(r"`(\w+)`", names)) for row, names in rows}


def test_every_row_has_a_test_that_says_what_happened() -> None:
    found = written()
    assert sorted(found) == sorted(ROWS)
    for row, of_row in found.items():
        for name, said in of_row.items():
            assert said.startswith(f"{row}: "), f"{name} does not begin with its row"


def test_the_document_names_every_row_with_all_its_tests() -> None:
    assert table() == {row: set(of_row) for row, of_row in written().items()}
