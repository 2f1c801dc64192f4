"""Updates on their way to the bot: kept in order until it confirms them, by polling or by webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from bot.sandbox.documents import JsonObject
from bot.sandbox.misdelivery import Misdelivery
from bot.sandbox.refusals import conflict
from bot.sandbox.state import State

# Sent only to bots that ask for them by name.
ON_REQUEST = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
FIRST_UPDATE_ID = 100_000_001


class Updates:
    """The queue of undelivered updates."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._arrived = asyncio.Event()
        self._poller: asyncio.Future[None] | None = None
        self.misdeliveries: list[Misdelivery] = []
        # Set by the server: the webhook pusher listens.
        self.on_arrival: Callable[[], None] = lambda: None
        self.on_webhook_change: Callable[[], None] = lambda: None

    def add(self, kind: str, payload: JsonObject, chat_id: int) -> int | None:
        """Queue an update; returns its id, or None when the bot does not want this kind."""
        wanted = self._state.setting("allowed_updates").get("kinds") or []
        if (wanted and kind not in wanted) or (not wanted and kind in ON_REQUEST):
            return None
        fault = self._misdelivery_of(kind, payload)
        if fault is None:
            return self._queue(kind, payload, chat_id)
        if not fault.is_lost:
            arrive = partial(self._queue_badly, fault, kind, fault.changed(kind, payload), chat_id)
            asyncio.get_running_loop().call_later(fault.delay, arrive)
        return None

    def _queue(self, kind: str, payload: JsonObject, chat_id: int, *, repetitions: int = 0) -> int:
        update_id = self._state.next_number("update", FIRST_UPDATE_ID)
        record = {"chat_id": chat_id, "update": {"update_id": update_id, kind: payload}, "repetitions": repetitions}
        self._state.put_update(update_id, record)
        self._arrived.set()
        self.on_arrival()
        return update_id

    def _queue_badly(self, fault: Misdelivery, kind: str, payload: JsonObject, chat_id: int) -> None:
        again = fault.copies - 1
        if not fault.with_new_ids:
            self._queue(kind, payload, chat_id, repetitions=again)
            return
        for _ in range(fault.copies):
            self._queue(kind, payload, chat_id)

    def _misdelivery_of(self, kind: str, payload: JsonObject) -> Misdelivery | None:
        """What a test asked to happen to such an update, counted."""
        fault = next((one for one in self.misdeliveries if one.concerns(kind, payload)), None)
        if fault is not None:
            fault.times -= 1
            self.misdeliveries[:] = [one for one in self.misdeliveries if one.times > 0]
        return fault

    def confirm(self, update_id: int) -> None:
        """Forget a delivered update, unless it is to be delivered again."""
        record = self.waiting.get(update_id)
        if record is not None and record.get("repetitions", 0):
            self._state.put_update(update_id, {**record, "repetitions": record["repetitions"] - 1})
            return
        self._state.drop_update(update_id)

    def drop_all(self) -> None:
        """Forget everything that waits."""
        for update_id in tuple(self._state.updates):
            self._state.drop_update(update_id)

    def allow(self, kinds: list[str] | None) -> None:
        """Set the wanted kinds; None keeps them as they are."""
        if kinds is not None:
            self._state.put_setting("allowed_updates", {"kinds": kinds})

    @property
    def waiting(self) -> dict[int, JsonObject]:
        """Undelivered updates with their chats, by id."""
        return self._state.updates

    @property
    def is_polling(self) -> bool:
        """Whether the bot waits in getUpdates right now."""
        return self._poller is not None

    async def poll(self, *, offset: int, limit: int, timeout: float) -> list[JsonObject]:
        """Confirm everything before `offset` and return the next updates, waiting for one if there is none.

        Raises:
            Refused: 409 when another poll begins meanwhile.
        """
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._poller = mine
        self._forget_before(offset)
        try:
            if not self.waiting and timeout > 0:
                await self._wait(mine, timeout)
            if mine.done():
                raise conflict(
                    "terminated by other getUpdates request; make sure that only one bot instance is running"
                )
            return [record["update"] for record in list(self.waiting.values())[:limit]]
        finally:
            if self._poller is mine:
                self._poller = None

    def _forget_before(self, offset: int) -> None:
        if offset < 0:
            offset = (sorted(self.waiting)[offset:] or [0])[0]
        for update_id in tuple(self.waiting):
            if update_id < offset:
                self.confirm(update_id)

    async def _wait(self, mine: asyncio.Future[None], timeout: float) -> None:
        self._arrived.clear()
        arrival = asyncio.ensure_future(self._arrived.wait())
        ends: set[asyncio.Future[Any]] = {arrival, mine}
        try:
            await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()

    def end_polling(self) -> None:
        """Let a waiting poll go with a conflict: a webhook was set."""
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(None)
