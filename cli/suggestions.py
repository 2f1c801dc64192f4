"""What was probably meant by a word that nothing is called: the nearest spelling, or what other programs call it.

Imported only when a word was not understood. The committed schemas tell which commands there are, so that no command
has to be imported to be suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

MOST = 3
"""Suggestions in one message."""

SPELLING = 0.6
"""How alike two words have to be, from 0 to 1."""

ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    "about": ("status",),
    "activate": ("enable", "set"),
    "add": ("create", "add", "credit"),
    "all": ("list",),
    "auth": ("token create", "token"),
    "ban": ("block", "users block"),
    "block": ("users block",),
    "catalogue": ("catalog",),
    "cat": ("show",),
    "charge": ("debit",),
    "completion": ("--install-completion",),
    "config": ("context",),
    "cost": ("quote", "pricing quote"),
    "create": ("create", "add"),
    "cron": ("schedule",),
    "dashboard": ("status",),
    "deactivate": ("disable",),
    "del": ("revoke", "delete", "disable", "cancel"),
    "delete": ("revoke", "disable", "cancel"),
    "deployment": ("deploy",),
    "deployments": ("deploy",),
    "describe": ("show", "info"),
    "details": ("show", "info"),
    "diff": ("check", "preview"),
    "down": ("disable",),
    "edit": ("set",),
    "env": ("context",),
    "environment": ("context",),
    "environments": ("context",),
    "event": ("audit",),
    "events": ("audit",),
    "exceptions": ("errors",),
    "fetch": ("show", "sync"),
    "find": ("list",),
    "generation": ("gen",),
    "generations": ("gen",),
    "get": ("show", "list"),
    "give": ("credit", "users credit"),
    "grant": ("credit", "users credit"),
    "history": ("history", "list", "audit"),
    "images": ("gen",),
    "index": ("list",),
    "info": ("show", "status"),
    "init": ("up",),
    "inspect": ("show",),
    "job": ("gen",),
    "jobs": ("gen",),
    "kill": ("cancel", "down"),
    "log": ("logs",),
    "login": ("token create", "token"),
    "ls": ("list", "gen list"),
    "migrate": ("db migrate",),
    "migrations": ("db check",),
    "model": ("models",),
    "new": ("create", "add"),
    "off": ("disable",),
    "on": ("enable",),
    "pause": ("park", "disable"),
    "ping": ("health",),
    "price": ("pricing", "quote"),
    "prices": ("pricing",),
    "ps": ("status",),
    "pull": ("sync",),
    "purchases": ("payments",),
    "query": ("list",),
    "read": ("show",),
    "redo": ("retry",),
    "releases": ("deploy status",),
    "remove": ("revoke", "disable", "cancel"),
    "rename": ("set",),
    "report": ("stats",),
    "rerun": ("retry",),
    "restart": ("retry", "up"),
    "resume": ("unpark", "enable"),
    "rm": ("revoke", "disable", "cancel"),
    "rollback": ("revert",),
    "run": ("up", "serve"),
    "scheduler": ("beat",),
    "search": ("list",),
    "server": ("serve",),
    "start": ("up", "enable"),
    "state": ("status", "show"),
    "statistics": ("stats",),
    "stop": ("down", "cancel", "disable"),
    "tail": ("logs", "tail"),
    "take": ("debit",),
    "tasks": ("schedule",),
    "test": ("check", "smoke"),
    "tokens": ("token",),
    "top": ("status",),
    "transactions": ("payments", "ledger statement"),
    "unban": ("unblock", "users unblock"),
    "undo": ("revert",),
    "update": ("set", "sync"),
    "validate": ("check", "verify"),
    "verify": ("check", "verify"),
    "version": ("--version",),
    "view": ("show",),
    "watch": ("status", "wait"),
    "web": ("serve",),
    "whoami": ("context show",),
}
"""Words of other programs, and what they are here. What does not exist where the word stood is not suggested."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "--all": ("--limit",),
    "--amount": ("--tokens",),
    "--comment": ("--reason", "--note"),
    "--confirm": ("--yes",),
    "--count": ("--limit", "-n"),
    "--debug": ("--verbose",),
    "--deadline": ("--wait", "--timeout"),
    "--dry": ("--dry-run",),
    "--environment": ("--env",),
    "--error": ("--status", "--level"),
    "--format": ("--json",),
    "--force": ("--yes",),
    "--head": ("--limit", "-n"),
    "--idempotency-key": ("--key",),
    "--lines": ("-n", "--limit"),
    "--max": ("--limit",),
    "--message": ("--reason",),
    "--no-colour": ("--no-color",),
    "--no-interactive": ("--no-input",),
    "--noinput": ("--no-input",),
    "--non-interactive": ("--no-input",),
    "--number": ("--limit", "-n"),
    "--output": ("--json",),
    "--page": ("--cursor",),
    "--page-size": ("--limit",),
    "--plain": ("--no-color",),
    "--quiet": ("--json",),
    "--rehearse": ("--dry-run",),
    "--sha": ("--commit", "--expect-commit"),
    "--simulate": ("--dry-run",),
    "--size": ("--limit",),
    "--state": ("--status",),
    "--tail": ("-n", "--follow", "--limit"),
    "--watch": ("--follow", "--wait"),
    "--what-if": ("--dry-run",),
    "--why": ("--reason",),
    "-e": ("--env",),
    "-f": ("--follow", "--yes"),
    "-j": ("--json",),
    "-l": ("--limit",),
    "-m": ("--reason",),
    "-n": ("--limit", "--dry-run"),
    "-o": ("--json",),
    "-q": ("--json",),
    "-t": ("--timeout",),
    "-w": ("--wait",),
}
"""Options of other programs, and what they are here."""


def nearest(word: str, known: Iterable[str], *, most: int = 1, cutoff: float = SPELLING) -> list[str]:
    """The known words that are spelled most like this one, capitals aside."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[name] for name in get_close_matches(word.lower(), by_lower, n=most, cutoff=cutoff)]


def hint(found: Sequence[str]) -> str:
    """A sentence that asks whether one of these was meant, to be put behind another; empty when there is none."""
    if not found:
        return ""
    quoted = [f"'{name}'" for name in found]
    listed = " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]
    return f" Did you mean {listed}?"


def as_data(found: Sequence[str]) -> dict[str, list[str]] | None:
    """The same for a program: `data.near` of a failure, None when there is none."""
    return {"near": list(found)} if found else None


def commands(word: str, siblings: Sequence[str], *, group: str = "") -> list[str]:
    """What was meant by a word where a command was expected: in `group` its commands, at the root all of them.

    What other programs call it comes first, then a slip of the fingers, then a command of this name elsewhere.
    """
    lower = word.strip().lower()
    if not lower:
        return []
    spelled = nearest(word, siblings, cutoff=0.75)
    called = [name for name in ELSEWHERE.get(lower, ()) if name in siblings]
    if group:
        return (called or spelled or nearest(word, siblings) or _elsewhere(lower))[:MOST]
    full = _full_names()
    called += [name for name in ELSEWHERE.get(lower, ()) if name in full or name.startswith("--")]
    named = [name for name in full if name.partition(" ")[2] == lower]
    return list(dict.fromkeys(called or spelled or named or nearest(word, siblings)))[:MOST]


def options(word: str, known: Iterable[str]) -> list[str]:
    """What was meant by an option that the command does not have."""
    listed = [name for name in known if name]
    called = [name for name in OPTIONS.get(word, ()) if name in listed]
    return called[:1] or nearest(word, [name for name in listed if name.startswith("--")])


def _elsewhere(word: str) -> list[str]:
    """Whole command lines for a word that is a command, only not in the group where it was said."""
    from cli import registry

    roots = registry.visible()
    at_root = [word] if word in roots else [name for name in ELSEWHERE.get(word, ()) if name in roots]
    return [f"nb {name}" for name in at_root]


def _full_names() -> list[str]:
    """Every command as it is called, told by the committed schemas."""
    from cli.schema_files import commands as with_schema

    return [name.replace(".", " ") for name in with_schema()]
