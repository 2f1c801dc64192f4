"""Tells the operators' chat what cannot wait: a payment in quarantine, books that do not agree, money that is stuck.

An alert is asked for inside the transaction that found the trouble and sent after its commit. The same key is told once
in `ERROR_ALERT_COOLDOWN` seconds; the log has every one of them.
"""

from __future__ import annotations

from core.logs import get_logger
from core.queue import outbox

log = get_logger(__name__)


async def alert(key: str, text: str) -> None:
    """Tell the operators, once the open transaction has committed.

    Args:
        key: what the alert is about; repetitions within the cooldown are not sent.
        text: plain text without secrets; the log keeps it too.
    """
    log.error("alert", key=key, text=text)
    await outbox.publish_later("bot.alert", {"key": key, "text": text})
