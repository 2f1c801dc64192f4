"""The page that people read: every entry, the newest first. It is made from the entries alone, byte for byte the same.

It is not committed: a page that every branch changes at its top is a conflict in every merge (docs/adr/0026). A page
that was not made here is never overwritten, for it may be the only copy of somebody's history.
"""

from __future__ import annotations

from collections.abc import Sequence

from cli.agent_log import template
from cli.agent_log.files import Log, Stored, told_when_not_writable
from cli.agent_log.git import GitSilent, Repository
from cli.errors import CommandFailed, Conflict
from cli.invocation import warn

MARK = "<!-- Собрано командой `nb agent-log render` из Документация/logs. Не правьте: правится запись. -->"
TITLE = "# Журнал действий агентов"
NOTHING = "Записей пока нет."

IGNORED = "/AGENTS_LOGS.md\n.*.tmp\n"
"""What git leaves alone in the folder of the log."""


def rendered(stored: Sequence[Stored]) -> str:
    """The whole page."""
    parts = [f"{MARK}\n", f"{TITLE}\n"]
    parts += [template.written(one.entry) for one in stored] or [f"{NOTHING}\n"]
    return "\n".join(parts)


def state(log: Log, stored: Sequence[Stored]) -> str:
    """`absent`, `current`, `stale` or `foreign`: whether the page is there, is what it should be, and is ours."""
    try:
        text = log.view.read_text("utf-8")
    except FileNotFoundError:
        return "absent"
    except (OSError, UnicodeDecodeError):
        return "foreign"
    if not text.startswith(MARK):
        return "foreign"
    return "current" if text == rendered(stored) else "stale"


def is_tracked(log: Log) -> bool:
    """Whether git tracks the page; where there is no git it does not."""
    try:
        return bool(Repository(log.root).tracked(log.view))
    except GitSilent:
        return False


def write(log: Log, stored: Sequence[Stored]) -> bool:
    """Write the page, and see to it that git leaves it alone; return whether it changed.

    Raises:
        Conflict: a page is there that was not made here.
        CommandFailed: the folder cannot be written.
    """
    found = state(log, stored)
    if found == "foreign":
        name = log.shown(log.view)
        raise Conflict(
            f"{name} was written by hand; it would be lost",
            code="view_foreign",
            fix=f"git mv {name} {log.shown(log.folder)}/AGENTS_LOGS_archive.md",
        )
    _ignore(log)
    if found != "current":
        log.write(log.view, rendered(stored))
    return found != "current"


def refresh(log: Log) -> None:
    """Bring the page up to date after a change of the entries; where that would do harm, say so and leave it."""
    stored, _ = log.read()
    if is_tracked(log):
        warn("view_tracked", f"{log.shown(log.view)} is tracked by git and was left alone; git rm --cached it")
        return
    try:
        write(log, stored)
    except CommandFailed as failure:
        # The entry itself is there; a page can be made at any time.
        warn(failure.code, f"{failure.message}; {failure.fix}")


def _ignore(log: Log) -> None:
    path = log.folder / ".gitignore"
    with told_when_not_writable(log.shown(path)):
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    missing = "".join(f"{line}\n" for line in IGNORED.splitlines() if line not in text.splitlines())
    if missing:
        log.write(path, text + ("" if not text or text.endswith("\n") else "\n") + missing)
