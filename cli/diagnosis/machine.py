"""This machine: Python and packages, the folder for local data, programs, ports, what runs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import sys

from cli.diagnosis.checks import check
from cli.environments import nb_home
from cli.local_view import local_state
from cli.shapes import DoctorCheck

OLDEST_PYTHON, TOO_NEW_PYTHON = (3, 11), (3, 15)
PACKAGES = (
    "aiogram",
    "asyncpg",
    "celery",
    "httpx",
    "piccolo",
    "pydantic",
    "redis",
    "rich",
    "sanic",
    "structlog",
    "typer",
)
"""Top-level modules that the product cannot start without."""
LEAST_FREE_BYTES = 1024**3
SETUP = "./run nb doctor"
"""Preparing the environment is what ./run does before anything else."""


def python_checks() -> list[DoctorCheck]:
    """The interpreter and the packages, found without importing them."""
    version = ".".join(map(str, sys.version_info[:3]))
    fits = OLDEST_PYTHON <= sys.version_info[:2] < TOO_NEW_PYTHON
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    return [
        check("python.version", "ok" if fits else "failed", version, None if fits else "install Python 3.13"),
        check(
            "python.packages",
            "failed" if missing else "ok",
            f"missing: {', '.join(missing)}" if missing else f"{len(PACKAGES)} found",
            SETUP if missing else None,
        ),
    ]


def home_checks() -> list[DoctorCheck]:
    """The folder for local data: there, ours alone, writable, with room."""
    home = nb_home()
    if not home.exists():
        return [check("home.folder", "skipped", f"{home} is not there yet", "nb up makes it")]
    mode = stat.S_IMODE(home.stat().st_mode)
    writable = os.access(home, os.W_OK | os.X_OK)
    free = shutil.disk_usage(home).free
    return [
        check(
            "home.folder",
            "ok" if writable else "failed",
            f"{home}" if writable else f"{home} is not writable",
            None if writable else f"chmod u+rwx {home}",
        ),
        check(
            "home.permissions",
            "failed" if mode & 0o022 else "ok",
            f"mode {mode:04o}",
            f"chmod 700 {home}" if mode & 0o022 else None,
        ),
        check(
            "home.space",
            "ok" if free >= LEAST_FREE_BYTES else "failed",
            f"{free / 1024**3:.1f} GB free",
            None if free >= LEAST_FREE_BYTES else "free at least 1 GB, or move NB_HOME",
        ),
    ]


def program_checks() -> list[DoctorCheck]:
    """PostgreSQL and Redis: a server given by its address, or programs to start."""
    from cli.local.launch import LocalError
    from cli.local.postgres import find_programs
    from cli.local.redis import find_program

    checks = []
    for name, variable in (("postgres", "DATABASE_URL"), ("redis", "REDIS_URL")):
        if os.environ.get(variable):
            checks.append(check(f"programs.{name}", "ok", f"given by {variable}"))
            continue
        try:
            found = str(find_programs().folder if name == "postgres" else find_program())
            checks.append(check(f"programs.{name}", "ok", found))
        except LocalError as error:
            checks.append(check(f"programs.{name}", "failed", error.message, error.fix))
    return checks


def is_running() -> bool:
    """Whether `nb up` is at work on this machine."""
    return local_state()["running"]


def running_checks() -> list[DoctorCheck]:
    """What `nb up` looks after, and whether its ports are to be had."""
    state = local_state()
    if state["phase"] == "stopped":
        return [check("running.product", "skipped", "not started", "nb up"), _ports()]
    if not state["running"]:
        return [check("running.product", "failed", f"ended: {state['phase']}", "nb up"), _ports()]
    checks = [check("running.product", "ok" if state["phase"] == "ready" else "unknown", state["phase"], "nb status")]
    for process in state["processes"]:
        lively = process["state"] == "running"
        checks.append(
            check(
                f"running.{process['name']}",
                "ok" if lively else "failed",
                f"{process['state']}, {process['restarts']} restarts",
                None if lively else f"read {state['home']}/logs/{process['name']}.log",
            )
        )
    return checks


def _ports() -> DoctorCheck:
    """Ports of the last run; another program on one of them only means that the next run takes another."""
    from cli.local.home import Home
    from cli.local.ports import is_free
    from cli.local.state import RunState

    last = RunState.load(Home(nb_home()))
    if last is None or not last.ports:
        return check("ports.free", "ok", "any free port will do")
    taken = [f"{name} {port}" for name, port in last.ports.items() if not is_free(port)]
    detail = f"taken since the last run: {', '.join(taken)}; nb up will use others" if taken else "as in the last run"
    return check("ports.free", "ok", detail)
