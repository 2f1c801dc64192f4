"""What `nb` imports and how much memory it needs: a command that asks loads nothing of the product."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import registry
from tests.cli.conftest import Place
from tests.cli.emulator import Emulator
from tests.cli.every import HERE, LEAVES

ROOT = str(Path(__file__).resolve().parents[2])

HEAVY = frozenset({
    "PIL", "aiogram", "asyncpg", "bot", "celery", "core", "google", "httpx", "openai", "piccolo", "providers",
    "pydantic", "redis", "requests", "sanic", "supabase", "uvloop",
})  # fmt: skip
"""Packages of the product and what they stand on."""

LIGHT = frozenset({"core", "core.redaction", "core.token_form"})
"""Modules of the product that stand on nothing but the standard library: a rule that both sides keep is one."""

MOST_MEGABYTES = 80

IMPORT_ALL = """
import importlib, json, sys
from cli import application, groups
brought = {}
before = set(sys.modules)
for target in sys.argv[1:]:
    importlib.import_module(target)
    brought[target] = sorted(set(sys.modules) - before)
    before = set(sys.modules)
print(json.dumps({"brought": brought}))
"""

RUN_ALL = """
import contextlib, io, json, resource, sys
from cli import application
brought = {}
for line in sys.argv[1:]:
    before = set(sys.modules)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        application.run([*json.loads(line), "--json"])
    brought[line] = sorted(set(sys.modules) - before)
kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.platform == "linux":
    # The former begins with what the process needed that started this one: it runs hundreds of tests.
    with open("/proc/self/status") as status:
        kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"brought": brought, "kilobytes": kilobytes}))
"""


def python(code: str, *arguments: str) -> dict[str, object]:
    """Run code in an interpreter of its own; what it printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "PYTHONPATH": ROOT},
    )
    content: dict[str, object] = json.loads(done.stdout)
    return content


def heavy(brought: object) -> dict[str, set[str]]:
    """Who brought something heavy, and what."""
    assert isinstance(brought, dict)
    found = {
        who: {name for name in names if name.partition(".")[0] in HEAVY and name not in LIGHT}
        for who, names in brought.items()
    }
    return {who: names for who, names in found.items() if names}


def with_rich(brought: object) -> list[str]:
    """Who brought Rich."""
    assert isinstance(brought, dict)
    return [who for who, names in brought.items() if "rich" in names]


def test_no_command_module_imports_anything_heavy() -> None:
    modules = sorted({target.partition(":")[0] for _, target, _ in registry.entries().values()})
    brought = python(IMPORT_ALL, *modules)["brought"]
    assert heavy(brought) == {}
    assert with_rich(brought) == []


@pytest.mark.integration
def test_no_command_that_asks_loads_anything_heavy_and_all_together_stay_small(place: Place, service: Emulator) -> None:
    asking = [leaf for leaf in LEAVES if not leaf.is_process and leaf.name not in {*HERE, "smoke", "errors.tail"}]
    ran = python(RUN_ALL, *(json.dumps([*leaf.called, "--timeout", "2s"]) for leaf in asking))
    assert heavy(ran["brought"]) == {}
    # Rich is for tables, and a document has none.
    assert with_rich(ran["brought"]) == []
    assert isinstance(kilobytes := ran["kilobytes"], int)
    assert kilobytes / (1024 * 1024 if sys.platform == "darwin" else 1024) <= MOST_MEGABYTES
