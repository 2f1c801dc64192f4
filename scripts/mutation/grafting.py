"""Puts a changed module into a process that has imported the original everywhere, without importing anything again.

Functions keep their identity and get new code, so that whoever imported them runs the change; constants are replaced
wherever they are known by their name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

WATCHER = "__reached__"


class CannotGraft(Exception):
    """The change is in a place that a running process does not read again."""


def module_at(path: Path) -> ModuleType:
    """The module of a file."""
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    return sys.modules[name]


def graft(path: Path, tree: ast.Module) -> None:
    """Make this process run a changed module.

    Raises:
        CannotGraft: see there.
    """
    module = module_at(path)
    ast.fix_missing_locations(tree)
    twin = ModuleType(module.__name__)
    twin.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    # Dataclasses look their module up while they are made.
    sys.modules[module.__name__] = twin
    try:
        exec(compile(tree, str(module.__file__), "exec"), twin.__dict__)
    except Exception as error:
        raise CannotGraft(str(error)) from error
    finally:
        sys.modules[module.__name__] = module
    for name, new in list(twin.__dict__.items()):
        old = module.__dict__.get(name)
        if not name.startswith("__") and old is not None and not _is_foreign(new, module):
            _replace(name, old, new)


def _is_foreign(value: object, module: ModuleType) -> bool:
    return isinstance(value, FunctionType | type) and value.__module__ != module.__name__


def watch(path: Path, note: Callable[[str, int, int], None]) -> None:
    """Have every function of a module say which statement it comes to: its file, first and last line."""
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    blocks = {id(block): block for function in functions for block in _blocks(function)}
    for block in blocks.values():
        block[:] = [part for statement in block for part in (_saying(path, statement), statement)]
    module_at(path).__dict__[WATCHER] = note
    graft(path, tree)


def _blocks(function: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(function):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _saying(path: Path, statement: ast.stmt) -> ast.stmt:
    inside = next(_blocks(statement), None)
    last = inside[0].lineno - 1 if inside else statement.end_lineno or statement.lineno
    said = [ast.Constant(str(path)), ast.Constant(statement.lineno), ast.Constant(max(last, statement.lineno))]
    call = ast.Call(ast.Name(WATCHER, ast.Load()), list[ast.expr](said), [])
    return ast.copy_location(ast.Expr(call), statement)


def _replace(name: str, old: Any, new: Any) -> None:  # noqa: ANN401  whatever a module holds
    if isinstance(old, FunctionType) and isinstance(new, FunctionType):
        _swap(old, new)
    elif isinstance(old, type) and isinstance(new, type):
        _replace_members(old, new)
    elif _is_plain(new) and repr(old) != repr(new):
        for other in list(sys.modules.values()):
            if getattr(other, "__dict__", {}).get(name) is old:
                setattr(other, name, new)


def _replace_members(old: type, new: type) -> None:
    for name, member in list(new.__dict__.items()):
        before = old.__dict__.get(name)
        inner, inner_before = _function_of(member), _function_of(before)
        if inner is not None and inner_before is not None:
            _swap(inner_before, inner)
        elif not name.startswith("__") and _is_plain(member) and repr(before) != repr(member):
            setattr(old, name, member)


def _function_of(member: object) -> FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    if isinstance(member, classmethod | staticmethod):
        member = member.__func__
    return member if isinstance(member, FunctionType) else None


def _swap(old: FunctionType, new: FunctionType) -> None:
    inside, inside_new = getattr(old, "__wrapped__", None), getattr(new, "__wrapped__", None)
    if isinstance(inside, FunctionType) and isinstance(inside_new, FunctionType):
        _swap(inside, inside_new)
        return
    if len(old.__code__.co_freevars) != len(new.__code__.co_freevars):
        raise CannotGraft(f"{old.__qualname__} has lost what it knew from outside")
    old.__code__ = new.__code__
    old.__defaults__ = new.__defaults__
    old.__kwdefaults__ = new.__kwdefaults__


def _is_plain(value: object) -> bool:
    return not isinstance(value, FunctionType | type | ModuleType) and not callable(value)
