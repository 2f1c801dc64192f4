"""Small changes of a module, each a defect: another comparison or constant, a condition of a query or a line less."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE|FROM)\b")
SQL_CHANGES: tuple[tuple[str, str], ...] = (
    (r"FOR UPDATE( OF \w+)?( SKIP LOCKED)?", ""),
    (r" SKIP LOCKED", ""),
    (r"\bAND\b", "OR"),
    (r"\bOR\b", "AND"),
    (r" <= ", " < "),
    (r" >= ", " > "),
    (r" < ", " <= "),
    (r" > ", " >= "),
    (r"\bNOT (?!NULL|DISTINCT)", ""),
    (r"IS NOT NULL", "IS NULL"),
    (r"IS NULL", "IS NOT NULL"),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r"ON CONFLICT( \([\w, ]+\))? DO NOTHING", ""),
    (r" DESC\b", ""),
)
LIFELESS = ("log.", "logger.")
"""Statements whose loss changes no behaviour that anybody relies on."""


@dataclass(frozen=True)
class Mutant:
    """A change of one place: in which node of the module, which of that node's changes, and where that is."""

    path: Path
    line: int
    end_line: int
    change: str
    node: int
    edit: int

    @property
    def name(self) -> str:
        """Where and what, for people."""
        return f"{self.path}:{self.line}: {self.change}"

    def tree(self) -> ast.Module:
        """The module with the change."""
        tree = ast.parse(self.path.read_text())
        node = next(itertools.islice(ast.walk(tree), self.node, None))
        _, edit, _ = next(itertools.islice(_edits(node), self.edit, None))
        edit(node)
        return tree


def of(path: Path) -> list[Mutant]:
    """Return every mutant of a module."""
    tree = ast.parse(path.read_text())
    found = []
    for number, node in enumerate(ast.walk(tree)):
        for index, (change, _, place) in enumerate(_edits(node)):
            line = getattr(place, "lineno", 1)
            found.append(Mutant(path, line, getattr(place, "end_lineno", line) or line, change, number, index))
    decorated = {decorator.lineno for node in ast.walk(tree) for decorator in getattr(node, "decorator_list", [])}
    return [one for one in found if one.line not in decorated and not _is_lifeless(tree, one.line)]


def _is_lifeless(tree: ast.Module, line: int) -> bool:
    return any(
        isinstance(node, ast.Expr) and _is_log(node) and node.lineno <= line <= (node.end_lineno or 0)
        for node in ast.walk(tree)
    )


def _is_log(node: ast.Expr) -> bool:
    return ast.unparse(node).startswith(LIFELESS)


Edit = Callable[[ast.AST], None]


def _edits(node: ast.AST) -> Iterator[tuple[str, Edit, ast.AST]]:
    """Return what each change is called, how it is made, and the node that it is about."""
    match node:
        case (
            ast.FunctionDef() | ast.AsyncFunctionDef() | ast.If() | ast.For() | ast.With() | ast.AsyncWith() | ast.Try()
        ):
            yield from _statements(node)
        case _:
            for change, edit in _changes(node):
                yield change, edit, node


def _changes(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp():
            yield from _boolean(node)
        case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node):
            yield from _arithmetic(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", _become_operand
        case ast.Constant():
            yield from _constants(node)
        case ast.Call(func=ast.Name(id="min" | "max")):
            yield from _extremes(node)


def _comparisons(node: ast.Compare) -> Iterator[tuple[str, Edit]]:
    for index, operator in enumerate(node.ops):
        other = COMPARISONS[type(operator)]

        def edit(twin: ast.AST, index: int = index, other: type[ast.cmpop] = other) -> None:
            assert isinstance(twin, ast.Compare)
            twin.ops[index] = other()

        yield f"{ast.unparse(node)}: {type(operator).__name__} -> {other.__name__}", edit


def _boolean(node: ast.BoolOp) -> Iterator[tuple[str, Edit]]:
    other = ast.Or if isinstance(node.op, ast.And) else ast.And

    def edit(twin: ast.AST) -> None:
        assert isinstance(twin, ast.BoolOp)
        twin.op = other()

    yield f"{_short(node)}: {type(node.op).__name__} -> {other.__name__}", edit


def _arithmetic(node: ast.BinOp) -> Iterator[tuple[str, Edit]]:
    other = OPERATORS[type(node.op)]

    def edit(twin: ast.AST) -> None:
        assert isinstance(twin, ast.BinOp)
        twin.op = other()

    yield f"{_short(node)}: {type(node.op).__name__} -> {other.__name__}", edit


def _become_operand(twin: ast.AST) -> None:
    assert isinstance(twin, ast.UnaryOp)
    operand = twin.operand
    twin.__class__ = ast.BoolOp  # type: ignore[assignment]  # a node that means its only value
    twin.__dict__.pop("operand")
    twin.__dict__.update(op=ast.And(), values=[operand, copy.deepcopy(operand)])


def _constants(node: ast.Constant) -> Iterator[tuple[str, Edit]]:
    value = node.value
    changed: list[object] = []
    if isinstance(value, bool):
        changed = [not value]
    elif isinstance(value, int | float):
        changed = [value + 1]
    elif isinstance(value, str):
        changed = [*_numbers(value), *_sql(value)]
    for other in changed:

        def edit(twin: ast.AST, other: object = other) -> None:
            assert isinstance(twin, ast.Constant)
            twin.value = other  # type: ignore[assignment]

        yield _difference(value, other), edit


def _numbers(text: str) -> Iterator[str]:
    """Numbers in quotes, which `Decimal` reads."""
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            yield str(Decimal(text) + 1)
    except InvalidOperation:
        return


def _sql(text: str) -> Iterator[str]:
    if not SQL.search(text):
        return
    for pattern, replacement in SQL_CHANGES:
        for place in re.finditer(pattern, text):
            yield text[: place.start()] + replacement + text[place.end() :]


def _extremes(node: ast.Call) -> Iterator[tuple[str, Edit]]:
    assert isinstance(node.func, ast.Name)
    other = {"min": "max", "max": "min"}[node.func.id]

    def edit(twin: ast.AST) -> None:
        assert isinstance(twin, ast.Call)
        twin.func = ast.Name(other, ast.Load())

    yield f"{_short(node)}: {node.func.id} -> {other}", edit


def _statements(node: ast.AST) -> Iterator[tuple[str, Edit, ast.AST]]:
    """Leave statements out, and return nothing."""
    for field in ("body", "orelse", "finalbody"):
        for index, statement in enumerate(getattr(node, field, [])):
            if isinstance(statement, ast.Return) and statement.value is not None and not _is_nothing(statement.value):
                new: ast.stmt = ast.Return(ast.Constant(None))
                change = f"{_short(statement)} -> return None"
            elif isinstance(statement, ast.Raise | ast.AugAssign) or _is_doing(statement):
                new, change = ast.Pass(), f"without: {_short(statement)}"
            else:
                continue

            def edit(twin: ast.AST, field: str = field, index: int = index, new: ast.stmt = new) -> None:
                old = getattr(twin, field)[index]
                getattr(twin, field)[index] = ast.copy_location(copy.deepcopy(new), old)

            yield change, edit, statement


def _is_nothing(node: ast.expr) -> bool:
    """None, or what is as false as None to whoever asks."""
    return isinstance(node, ast.Constant) and not node.value


def _is_doing(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Await | ast.Call) and not _is_log(statement)
    )


def _is_text(node: ast.BinOp) -> bool:
    parts = (node.left, node.right)
    return any(
        isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for part in parts
    )


def _difference(before: object, after: object) -> str:
    if not isinstance(before, str) or not isinstance(after, str) or len(before) < 40:
        return f"{before!r} -> {after!r}"
    pairs = enumerate(zip(before, after, strict=False))
    start = next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))
    window = slice(max(0, start - 30), start + 40)
    return f"SQL: …{' '.join(before[window].split())}… -> …{' '.join(after[window].split())}…"


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."
