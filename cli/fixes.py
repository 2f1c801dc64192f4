"""What a service proposes as a fix, made into what is typed here: with the environment that it is about.

A service does not know what its operators call it, nor where they are when they read it.
"""

from __future__ import annotations

import re

from cli.environments import LOCAL

COMMAND = re.compile(r"(?:^|: )nb (?P<words>[a-z-]+(?: [^\s,;:]+)*)$")
"""A command at the end of a fix; in the middle of a sentence one is only spoken of."""

PROCESSES = re.compile(r"start one: nb (?:worker|beat|bot poll)$")
"""Good advice beside the machine that the service runs on."""

ELSEWHERE = ("db ", "worker", "beat", "bot ")
"""Commands that go by their own settings."""


def completed(fix: str | None, environment: str) -> str | None:
    """The same fix, as it is typed about `environment`."""
    if fix is None:
        return None
    if fix.endswith(" webhook set"):
        # Services before 0.2 left the reason out.
        fix += ' --reason "…"'
    if environment != LOCAL:
        fix = PROCESSES.sub("see why none runs: nb deploy status", fix)
    found = COMMAND.search(fix)
    if found is None or "--env" in fix or found["words"].startswith(ELSEWHERE):
        return fix
    return f"{fix} --env {environment}"
