"""Operations on Telegram's webhook: look, and put right. The service asks Telegram, so operators need no bot token."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sanic import Request

from core import telegram_webhook
from core.audit import Change
from core.http.openapi import ChangeBody
from core.http.ops import webhook_schemas as schemas
from core.http.ops.api import ChangeQuery, api
from core.http.problems import Problem
from core.ops_tokens import Scope
from core.settings import Settings
from core.telegram_webhook import TelegramAway, Webhook

SET = 'nb webhook set --reason "…"'


@api.operation("GET", "/webhook", answer=schemas.Webhook, tag="webhook")
async def read_webhook(request: Request) -> schemas.Webhook:
    """Where Telegram sends updates, what waits there, its last error, and what is wrong with it."""
    return schemas.Webhook(**_fields(await _look(request)))


@api.operation(
    "POST",
    "/webhook",
    answer=schemas.WebhookSet,
    body=ChangeBody,
    action="webhook.set",
    scope=Scope.OPERATE,
    problems=(409,),
    tag="webhook",
)
async def set_webhook(request: Request, body: ChangeBody, change: Change) -> schemas.WebhookSet:
    """Have updates pushed to our address, where anything differs. Updates that wait at Telegram are kept."""
    del body, change
    found = await _look(request)
    if not found.expected_url:
        detail = "Updates are fetched here (TELEGRAM_UPDATES=polling); a webhook would take them away."
        raise Problem(409, detail, code="updates_are_fetched")
    changed = [schemas.WebhookDifference(**asdict(one)) for one in telegram_webhook.differences(found)]
    if changed and not _is_rehearsal(request):
        # A rollback takes nothing back at Telegram; a second call sets the same again.
        try:
            await telegram_webhook.put_right(request.app.ctx.settings, request.app.ctx.telegram)
        except TelegramAway as error:
            raise _away(error) from None
        found = await _look(request)
    return schemas.WebhookSet(**_fields(found), changed=changed)


def _is_rehearsal(request: Request) -> bool:
    try:
        return ChangeQuery.model_validate({name: values[-1] for name, values in request.args.items()}).dry_run
    except ValidationError:
        return True  # Refused before it came here.


async def _look(request: Request) -> Webhook:
    settings: Settings = request.app.ctx.settings
    try:
        return await telegram_webhook.look(settings, request.app.ctx.telegram)
    except TelegramAway as error:
        raise _away(error) from None


def _away(error: TelegramAway) -> Problem:
    return Problem(503, f"{error}.", code="telegram_away", headers={"Retry-After": "5"})


def _fields(webhook: Webhook) -> dict[str, Any]:
    return {
        **asdict(webhook),
        "secret": telegram_webhook.told(webhook.secret),
        "allowed_updates": list(webhook.allowed_updates),
        "expected_updates": list(telegram_webhook.UPDATES),
        "differences": [schemas.WebhookDifference(**asdict(one)) for one in telegram_webhook.differences(webhook)],
        "checks": checks(webhook, datetime.now(UTC)),
    }


def checks(webhook: Webhook, now: datetime) -> list[schemas.WebhookCheck]:
    """Judge the webhook. What nobody can know is unknown, and unknown is not ok."""
    found = {one.field: one for one in telegram_webhook.differences(webhook)}
    made = [_check("url", found, webhook.url or "no webhook: updates are fetched")]
    if webhook.expected_url:
        made.append(_check("allowed_updates", found, f"{len(telegram_webhook.UPDATES)} kinds"))
        made.append(_check("max_connections", found, str(webhook.max_connections)))
        made.append(_check("certificate", found, "none of our own"))
        made.append(_secret(webhook))
    return [*made, _backlog(webhook), _last_error(webhook, now)]


def _check(field: str, found: dict[str, telegram_webhook.Difference], fine: str) -> schemas.WebhookCheck:
    difference = found.get(field)
    if difference is None:
        return schemas.WebhookCheck(id=field, state="ok", detail=fine, fix=None)
    detail = f"{difference.found}; should be {difference.expected}"
    return schemas.WebhookCheck(
        id=field, state="failed", detail=detail, fix=SET if difference.expected != "none" else None
    )


def _secret(webhook: Webhook) -> schemas.WebhookCheck:
    if webhook.secret == "same":  # noqa: S105  A state, not a secret.
        return schemas.WebhookCheck(id="secret", state="ok", detail="the one in force was told last", fix=None)
    if webhook.secret == "differs":  # noqa: S105  As above.
        return schemas.WebhookCheck(id="secret", state="failed", detail="another one was told last", fix=SET)
    if webhook.secret == "unread":  # noqa: S105  As above.
        words = "Redis, which remembers what was told last, does not answer"
        return schemas.WebhookCheck(id="secret", state="unknown", detail=words, fix="nb ready")
    return schemas.WebhookCheck(id="secret", state="unknown", detail="nobody remembers what was told last", fix=SET)


def _backlog(webhook: Webhook) -> schemas.WebhookCheck:
    many = webhook.pending > telegram_webhook.BACKLOG
    fix = "see whether web takes them: nb status" if many else None
    return schemas.WebhookCheck(
        id="backlog", state="failed" if many else "ok", detail=f"{webhook.pending} updates wait at Telegram", fix=fix
    )


def _last_error(webhook: Webhook, now: datetime) -> schemas.WebhookCheck:
    if webhook.last_error is None or webhook.last_error_at is None:
        return schemas.WebhookCheck(id="last_error", state="ok", detail=webhook.last_error or "none", fix=None)
    age = int((now - webhook.last_error_at).total_seconds())
    recent = age <= telegram_webhook.RECENT_SECONDS
    fix = "see the log of web at that time" if recent else None
    return schemas.WebhookCheck(
        id="last_error", state="failed" if recent else "ok", detail=f"{webhook.last_error}, {age} s ago", fix=fix
    )
