"""The steps that change something: have a picture made for the test user, and put everything away again."""

from __future__ import annotations

import time
import uuid

from cli.client import OpsClient
from cli.durations import say_duration
from cli.errors import BlockedByRule, CommandFailed, Conflict, NotAuthenticated, UpstreamFault
from cli.smoke.trial import Failed, Skipped
from cli.wire import GenerationDetail
from cli.wire_statistics import SmokeCleaned, SmokeStarted

START = "/api/ops/v1/smoke/generations"
CLEAN = "/api/ops/v1/smoke/clean"

PATIENCE = 120.0
"""Seconds that the picture may take; a demonstration takes one or two."""

INTERVAL = 0.5
TRIES = 3

CLEAN_PATIENCE = 20.0
"""Seconds that a worker may hold on to a job that is to be ended: a lease, and a little more."""

STAGES = ("submitting", "stored", "delivered")
"""What the story of a generation tells when it went all the way."""

DEMO = "demo"
NOTHING = "0.00"


class Run:
    """One generation of the test user. Remembers its id, so that it can be put away whatever happens."""

    def __init__(self, client: OpsClient, reason: str) -> None:
        self._client = client
        self._reason = reason
        self.was_begun = False
        self.id: str | None = None
        self.cleaned: SmokeCleaned | None = None

    def make(self) -> str:
        """Have the picture made, and look at how."""
        started = self._start()
        self.id = started["id"]
        deadline = time.monotonic() + PATIENCE
        found = self._look()
        while found["status"] in ("queued", "processing"):
            if time.monotonic() > deadline:
                words = f"{started['id']} is {found['stage'] or found['status']} after {say_duration(PATIENCE)}"
                raise Failed(words, f"nb gen show {started['id']} --env {self._client.target.name}")
            time.sleep(INTERVAL)
            found = self._look()
        return self._judge(found)

    def clean(self) -> str:
        """End what runs, remove the files, take the tokens back."""
        deadline = time.monotonic() + CLEAN_PATIENCE
        while True:
            body = {"generation": self.id, "reason": self._reason}
            found = self._client.read(SmokeCleaned, self._client.change("POST", CLEAN, body))
            self.cleaned = _together(self.cleaned, found)
            if not found["waiting"] or time.monotonic() > deadline:
                break
            time.sleep(INTERVAL)
        if found["waiting"]:
            raise Failed(f"a worker still works on {', '.join(found['waiting'])}", "nb smoke puts it away next time")
        if found["balance"] != NOTHING:
            raise Failed(f"the test user keeps {found['balance']} ⚡", "nb smoke takes them back next time")
        return f"{self.cleaned['files']} files removed, {self.cleaned['tokens']} ⚡ taken back"

    def _start(self) -> SmokeStarted:
        """Order it, once: a lost answer is asked for again with the same key."""
        key = uuid.uuid4().hex
        self.was_begun = True
        for attempt in range(1, TRIES + 1):
            try:
                return self._client.read(
                    SmokeStarted, self._client.change("POST", START, {"reason": self._reason}, key=key)
                )
            except BlockedByRule as refused:
                self.was_begun = False
                raise Skipped(refused.message) from None
            except UpstreamFault:
                if attempt == TRIES:
                    raise
                time.sleep(INTERVAL * attempt)
            except (Conflict, NotAuthenticated) as refused:
                self.was_begun = False
                fix = "a token with the scope operate, or --no-generation"
                raise Failed(refused.message, fix if isinstance(refused, NotAuthenticated) else None) from None
        raise AssertionError("the last try returns or raises")

    def _look(self) -> GenerationDetail:
        try:
            return self._client.read(GenerationDetail, self._client.get(f"/api/ops/v1/generations/{self.id}"))
        except UpstreamFault:
            # One more, after a moment: a deploy or a busy database must not decide.
            time.sleep(INTERVAL)
            return self._client.read(GenerationDetail, self._client.get(f"/api/ops/v1/generations/{self.id}"))

    def _judge(self, found: GenerationDetail) -> str:
        told = [event["event"] for event in found["events"]]
        missing = [stage for stage in STAGES if stage not in told]
        charge = found["charge"]
        wrong = ""
        if found["status"] != "done":
            wrong = f"ended as {found['status']}: {found['error_code'] or 'no code'}"
        elif found["route"] != DEMO:
            wrong = f"was made by {found['route']}, not by the demonstration"
        elif missing:
            wrong = f"its story lacks {', '.join(missing)}"
        elif not found["results"] or not all(result["bytes"] for result in found["results"]):
            wrong = "nothing was stored"
        elif charge is None or charge["state"] != "settled":
            wrong = f"its charge is {charge['state'] if charge else 'missing'}, not settled"
        elif found.get("delivery", {"messages": []})["messages"]:
            wrong = "somebody was sent a message"
        if wrong:
            raise Failed(f"{self.id} {wrong}", f"nb gen show {self.id} --env {self._client.target.name}")
        size = sum(result["bytes"] for result in found["results"])
        return f"{found['model']} made {size} bytes through {len(told)} steps"


def put_away(run: Run) -> str | None:
    """Put a run away after an interruption; what went wrong with that, as words."""
    try:
        run.clean()
    except (CommandFailed, Failed) as error:
        return str(error)
    return None


def _together(before: SmokeCleaned | None, now: SmokeCleaned) -> SmokeCleaned:
    """What several tries put away."""
    if before is None:
        return now
    return {
        "ended": [*before["ended"], *now["ended"]],
        "waiting": now["waiting"],
        "files": before["files"] + now["files"],
        "tokens": now["tokens"] if now["tokens"] != NOTHING else before["tokens"],
        "balance": now["balance"],
    }
