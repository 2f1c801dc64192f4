"""Tells the operators' chat what cannot wait: a payment in quarantine, books that do not agree, money that is stuck.

An alert is asked for inside the transaction that found the trouble and sent after its commit. The same key is told once
in `ERROR_ALERT_COOLDOWN` seconds; the log has every one of them, and so have the faults (`nb errors`).
"""

from __future__ import annotations

from typing import Final

from core import errors
from core.errors import Origin, Severity
from core.logs import get_logger
from core.queue import outbox

log = get_logger(__name__)

KINDS: Final[tuple[tuple[str, str, Origin, Severity], ...]] = (
    # How a key begins and ends, where it comes from, how bad it is. The first that fits.
    ("provider:", ":closed", Origin.GENERATION, Severity.INFO),
    ("provider:", ":opened", Origin.GENERATION, Severity.ERROR),
    ("provider:", ":auth_failed", Origin.GENERATION, Severity.ERROR),
    ("provider:", ":quota_exhausted", Origin.GENERATION, Severity.ERROR),
    ("provider:", "", Origin.GENERATION, Severity.WARNING),
    ("generations:", "", Origin.GENERATION, Severity.WARNING),
    ("moderation:", "", Origin.GENERATION, Severity.ERROR),
    ("inbox:", "", Origin.PAYMENT, Severity.CRITICAL),
    ("refund-request:", "", Origin.PAYMENT, Severity.INFO),
    ("quarantine:", "", Origin.PAYMENT, Severity.ERROR),
    ("refund:", "", Origin.PAYMENT, Severity.ERROR),
    ("reconcile", "", Origin.PAYMENT, Severity.ERROR),
    ("invoice:", "", Origin.PAYMENT, Severity.ERROR),
    ("subscription:", "", Origin.PAYMENT, Severity.ERROR),
    ("event:", "", Origin.PAYMENT, Severity.ERROR),
)


async def alert(key: str, text: str, *, error: BaseException | None = None, run_code: str = "") -> None:
    """Tell the operators, once the open transaction has committed.

    Args:
        key: what the alert is about; repetitions within the cooldown are not sent.
        text: plain text without secrets; the log keeps it too.
        error: what it was found by. It becomes a fault with its stack, where the text alone would.
        run_code: the generation that it is about.
    """
    origin, severity = kind_of(key)
    # Good news is no error: `nb logs --fail-on error` and `nb deploy verify` would fail on a provider that is back.
    tell = {Severity.INFO: log.info, Severity.WARNING: log.warning}.get(severity, log.error)
    tell("alert", key=key, text=text)
    if error is not None:
        extra = {"alert": text}
        errors.record(error, origin=origin, severity=severity, handler=key, run_code=run_code, extra=extra)
    else:
        errors.note(key, text, origin=origin, severity=severity, run_code=run_code)
    await outbox.publish_later("bot.alert", {"key": key, "text": text})


def kind_of(key: str) -> tuple[Origin, Severity]:
    """Where the trouble of an alert comes from, and how bad it is."""
    for start, end, origin, severity in KINDS:
        if key.startswith(start) and key.endswith(end):
            return origin, severity
    return Origin.OTHER, Severity.ERROR
