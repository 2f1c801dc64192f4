"""The client of the service's HTTP API.

It is built on the standard library: with httpx `nb health` takes twice as long (247 against 102 ms of imports and
set-up where an empty interpreter takes 16). One request is one attempt: a probe that repeats itself hides what it
should show.
"""

from __future__ import annotations

import json
import os
import re
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from shlex import quote as quoted
from time import monotonic, time
from typing import Any, TypeVar

from cli.durations import say_duration
from cli.envelope import NextStep
from cli.environments import LOCAL, Target, resolve
from cli.errors import (
    ApprovalRequired,
    BlockedByRule,
    CommandFailed,
    Conflict,
    NotAuthenticated,
    NotFound,
    UpstreamFault,
    UsageMistake,
)
from cli.exchange import NoAnswer, clock_skew, decoded, exchange, opener_for, retry_after
from cli.invocation import current, warn
from cli.version import VERSION
from cli.wire import UnexpectedShape, parse

KEY_HEADER = "Idempotency-Key"
KEY_FORM = re.compile(r"[A-Za-z0-9._:-]{8,100}")

NOT_BEGUN = frozenset({"unreachable", "too_many_requests"})
"""Faults after which it is certain that nothing was changed."""

MISTAKES = frozenset({400, 413, 414, 422, 431})
"""Answers to a request that is wrong in itself: repeating it changes nothing."""

LISTED = {
    "unknown_approval": "nb approve list",
    "unknown_entry": "nb schedule list",
    "unknown_error": "nb errors list",
    "unknown_generation": "nb gen list",
    "unknown_model": "nb models list",
    "unknown_package": "nb packages list",
    "unknown_payment": "nb payments list",
    "unknown_promo_code": "nb promo list",
    "unknown_provider": "nb providers list",
    "unknown_revision": "nb pricing history",
    "unknown_token": "nb token list",
    "unknown_user": "nb gen list --json",
}
"""What prints the names that there are, by the code of a name that is none."""

Shape = TypeVar("Shape")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was accepted: status, decoded JSON, and the time it took."""

    status: int
    content: object
    elapsed_ms: float


class OpsClient:
    """Talks to one environment."""

    def __init__(self, target: Target, *, timeout: float) -> None:
        self.target = target
        self.timeout = timeout
        self._opener = opener_for(target.url)

    def get(
        self,
        path: str,
        query: Mapping[str, str | int | None] | None = None,
        *,
        accept: tuple[int, ...] = (200,),
        authenticated: bool = True,
    ) -> Answer:
        """Read. Parameters that are None are left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._send(
            "GET", path + (f"?{urllib.parse.urlencode(given)}" if given else ""), None, accept, authenticated
        )

    def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Send JSON."""
        return self._send("POST", path, json.dumps(body).encode(), (200, 201), True)

    def change(self, method: str, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Answer:
        """Change something, once for each key; with --dry-run the service takes it back and says what would be.

        Without a key the change is a new one. Repeating it with its key is safe: the service gives its first answer.

        Raises:
            BlockedByRule: NB_READONLY is set, or a rule of the service forbids the change.
            ApprovalRequired: somebody else has to agree first.
            UpstreamFault: the answer was lost; the message names the key to repeat the command with.
        """
        refuse_where_only_reading()
        key = _checked_key(key) if key is not None else uuid.uuid4().hex
        rehearsal = "?dry_run=true" if current().dry_run else ""
        try:
            return self._send(
                method, path + rehearsal, json.dumps(body).encode(), (200, 201), True, headers={KEY_HEADER: key}
            )
        except UpstreamFault as fault:
            if rehearsal or fault.code in NOT_BEGUN:
                raise
            raise UpstreamFault(
                f"{fault.message}; the change may have been made. Repeating the command with --key {key} is safe: "
                "what was made is not made again",
                code=fault.code,
                fix=f"repeat the command with --key {key}",
                retry_after=fault.retry_after,
            ) from None

    def read(self, shape: type[Shape], answer: Answer) -> Shape:
        """The content of an answer in the shape that was agreed.

        Raises:
            UpstreamFault: it has another shape.
        """
        try:
            return parse(shape, answer.content)
        except UnexpectedShape as error:
            raise UpstreamFault(
                f"{self.target.name} answered something that nb {VERSION} does not understand: {error}",
                code="unexpected_answer",
                fix=f"compare versions: nb health --env {self.target.name}",
            ) from None

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        accept: tuple[int, ...],
        authenticated: bool,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        token = self.target.token
        if authenticated and not token:
            raise _no_token(self.target)
        request = urllib.request.Request(self.target.url + path, data=body, method=method)  # noqa: S310  http(s) only, checked
        request.add_header("Accept", "application/json")
        request.add_header("User-Agent", f"nb/{VERSION}")
        # The run is found by its id in the service's log, as it is in the journal: nb logs --trace.
        request.add_header("X-Request-Id", current().run_id)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if token:
            # Not redirected and not logged: `unredirected` headers stay out of a second request.
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        started, asked_at = monotonic(), time()
        try:
            status, answered, content = exchange(self._opener, request, timeout=self.timeout)
        except NoAnswer as silence:
            raise self._fault(silence.code, silence.what) from None
        self._compare_clocks(clock_skew(answered, asked_at))
        answer = Answer(status, decoded(content, answered), (monotonic() - started) * 1000)
        if status in accept and answer.content is not None:
            return answer
        raise self._refused(answer, answered)

    def _compare_clocks(self, skew: float) -> None:
        """Warn once in a run of a clock by which --since, --until and expiries are counted wrongly."""
        if skew and not any(notice.code == "clock_skew" for notice in current().warnings):
            way = "behind" if skew > 0 else "ahead of"
            warn(
                "clock_skew",
                f"this machine's clock is {say_duration(round(abs(skew), -1))} {way} that of {self.target.name}",
            )

    def _fault(self, code: str, what: str) -> UpstreamFault:
        fix = "nb up" if self.target.name == LOCAL else f"nb health --env {self.target.name}"
        return UpstreamFault(self._masked(f"{self.target.name} ({self.target.url}) {what}"), code=code, fix=fix)

    def _refused(self, answer: Answer, headers: Message) -> CommandFailed:
        problem = answer.content if isinstance(answer.content, dict) else {}
        said = problem.get("detail") or problem.get("title") or f"HTTP {answer.status}"
        message = self._masked(f"{self.target.name}: {said}")
        if answer.status >= 500 and problem.get("trace_id"):
            message += f" (trace id {problem['trace_id']})"
        code = str(problem.get("code") or f"http_{answer.status}")
        if 400 <= answer.status < 500 and (held_back := self._held_back(problem, message, code)):
            return held_back
        if answer.status in (401, 403):
            return NotAuthenticated(message, code=code, fix=_token_fix(self.target))
        if answer.status == 404 and _is_without_application(problem, headers):
            message = f"{self.target.name} ({self.target.url}): Railway knows no application that runs at this address"
            return UpstreamFault(message, code="no_application", fix=f"nb deploy why --env {self.target.name}")
        if answer.status == 404 and isinstance(problem.get("code"), str):
            near = problem.get("near")
            data = {"near": near} if isinstance(near, list) and near else None
            return NotFound(message, code=code, fix=self._where_listed(code), data=data)
        if answer.status == 409:
            return Conflict(message, code=code)
        if answer.status in MISTAKES:
            return UsageMistake(message, code=code)
        if 300 <= answer.status < 400:
            message = f"{self.target.name} ({self.target.url}) redirects elsewhere; nb does not follow with a token"
            return UpstreamFault(message, code="redirected", fix="correct the address in nb.toml")
        if answer.content is None or answer.status == 404:
            message = f"{self.target.name} ({self.target.url}) answered HTTP {answer.status} without our JSON"
            return UpstreamFault(message, code="unexpected_answer", fix="check that this address is the service")
        return UpstreamFault(message, code=code, retry_after=retry_after(headers))

    def _held_back(self, problem: Mapping[str, Any], message: str, code: str) -> CommandFailed | None:
        """The failure of a request that was understood and may not be done, None for any other."""
        rule = problem.get("rule")
        rule = str(rule) if rule else None
        if code == "approval_required":
            approval = str(problem.get("approval") or "CODE")
            approve = f"nb approve {quoted(approval)} --env {self.target.name}"
            return ApprovalRequired(
                message,
                code=code,
                rule=rule,
                fix=approve,
                data={"approval": approval},
                next_steps=(NextStep(approve, "somebody else has to agree"),),
            )
        return BlockedByRule(message, code=code, rule=rule) if rule else None

    def _where_listed(self, code: str) -> str | None:
        command = LISTED.get(code)
        return f"{command} --env {self.target.name}" if command else None

    def _masked(self, text: str) -> str:
        return text.replace(self.target.token, "[token]") if self.target.token else text


def connect(*, writes: bool = False) -> OpsClient:
    """Client for the environment of the running invocation; `writes` when it is going to change something.

    Raises:
        BlockedByRule: it writes, and NB_READONLY is set.
        UsageMistake: it writes to production without --env production.
    """
    if writes:
        refuse_where_only_reading()
    invocation = current()
    return OpsClient(resolve(invocation, writes=writes), timeout=invocation.timeout)


def refuse_where_only_reading() -> None:
    # A rehearsal changes nothing, so it is no write.
    if os.environ.get("NB_READONLY", "0") in ("", "0") or current().dry_run:
        return
    raise BlockedByRule(
        "NB_READONLY is set: this command would change something",
        code="readonly",
        rule="readonly",
        fix="add --dry-run, or run it where NB_READONLY is not set",
    )


def _checked_key(key: str) -> str:
    if not KEY_FORM.fullmatch(key):
        raise UsageMistake(
            f"--key {key!r} is no key: 8 to 100 letters, digits or ._:-", fix="leave --key out for a new change"
        )
    return key


def _is_without_application(problem: Mapping[str, Any], headers: Message) -> bool:
    """Railway's own 404, in the place of an application that sleeps, starts, or is not deployed."""
    return headers.get("X-Railway-Fallback") == "true" or problem.get("message") == "Application not found"


def _token_fix(target: Target) -> str:
    return "nb up" if target.name == LOCAL else f"export NB_TOKEN_{target.name.upper()}=nbk_..."


def _no_token(target: Target) -> NotAuthenticated:
    return NotAuthenticated(f"there is no token for {target.name}", code="no_token", fix=_token_fix(target))
