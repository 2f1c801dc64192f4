"""Everything the sandbox remembers: people, messages, files, settings, calls. Kept in memory, written through."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot.sandbox.documents import Documents, JsonObject

KEPT_CALLS = 5000


@dataclass
class Person:
    """Somebody who talks to the bot; the id is also the id of their private chat."""

    profile: JsonObject
    has_blocked_bot: bool = False
    reply_keyboard: JsonObject | None = None
    menu_button: JsonObject | None = None
    pinned: list[int] = field(default_factory=list)

    @property
    def id(self) -> int:
        """The user's and the chat's id."""
        return int(self.profile["id"])

    def chat(self) -> JsonObject:
        """The private chat as the Bot API shows it."""
        names = {key: self.profile[key] for key in ("first_name", "last_name", "username") if self.profile.get(key)}
        return {"id": self.id, "type": "private", **names}


@dataclass
class StoredMessage:
    """A message as the Bot API shows it, and what only the server knows about it."""

    body: JsonObject
    # Telegram refuses to edit a message that was sent with anything but an inline keyboard.
    has_other_keyboard: bool = False

    @property
    def id(self) -> int:
        """The message's id, unique over all chats."""
        return int(self.body["message_id"])


class State:
    """The sandbox's memory. Methods that change something have it on disk when they return."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clock = clock
        self._documents = Documents(folder / "sandbox.sqlite3")
        self.people: dict[int, Person] = {int(key): Person(**body) for key, body in self._documents.load("person")}
        self.messages: dict[int, dict[int, StoredMessage]] = {}
        for _, body in self._documents.load("message"):
            stored = StoredMessage(**body)
            self.messages.setdefault(stored.body["chat"]["id"], {})[stored.id] = stored
        self.files = dict(self._documents.load("file"))
        self.invoices = dict(self._documents.load("invoice"))
        self.payments = dict(self._documents.load("payment"))
        self.updates = {int(key): body for key, body in self._documents.load("update")}
        self.calls: deque[JsonObject] = deque((body for _, body in self._documents.load("call")), KEPT_CALLS)
        self._settings = dict(self._documents.load("setting"))
        # Queries live a minute: they are not worth keeping over a restart.
        self.queries: dict[str, JsonObject] = {}
        self.faults: list[JsonObject] = []

    def now(self) -> int:
        """The time as Telegram writes it: whole seconds."""
        return int(self.clock())

    def next_number(self, name: str, start: int = 1) -> int:
        """The next number of a sequence that survives restarts."""
        number = int(self.setting(f"sequence:{name}").get("value", start - 1)) + 1
        self.put_setting(f"sequence:{name}", {"value": number})
        return number

    def setting(self, name: str) -> JsonObject:
        """A setting as it was stored, or an empty object."""
        return self._settings.get(name, {})

    def put_setting(self, name: str, value: JsonObject) -> None:
        """Store a setting."""
        self._settings[name] = value
        self._documents.put("setting", name, value)

    def drop_setting(self, name: str) -> None:
        """Forget a setting."""
        self._settings.pop(name, None)
        self._documents.delete("setting", name)

    def setting_names(self) -> Iterable[str]:
        """Names of everything that was set."""
        return tuple(self._settings)

    def put_person(self, person: Person) -> None:
        """Store a new or changed person."""
        self.people[person.id] = person
        self._documents.put("person", person.id, asdict(person))

    def put_message(self, stored: StoredMessage) -> None:
        """Store a new or changed message."""
        self.messages.setdefault(stored.body["chat"]["id"], {})[stored.id] = stored
        self._documents.put("message", stored.id, asdict(stored))

    def message(self, chat_id: int, message_id: int) -> StoredMessage | None:
        """The message as it stands now."""
        return self.messages.get(chat_id, {}).get(message_id)

    def drop_message(self, chat_id: int, message_id: int) -> bool:
        """Delete a message; says whether there was one."""
        if self.messages.get(chat_id, {}).pop(message_id, None) is None:
            return False
        self._documents.delete("message", message_id)
        return True

    def put_file(self, file_id: str, record: JsonObject) -> None:
        """Store what is known of a file; its bytes lie in the media folder."""
        self.files[file_id] = record
        self._documents.put("file", file_id, record)

    def put_invoice(self, key: str, invoice: JsonObject) -> None:
        """Store an invoice under its message or its link."""
        self.invoices[key] = invoice
        self._documents.put("invoice", key, invoice)

    def put_payment(self, charge_id: str, payment: JsonObject) -> None:
        """Store a payment in Stars, or that it was returned."""
        self.payments[charge_id] = payment
        self._documents.put("payment", charge_id, payment)

    def put_update(self, update_id: int, record: JsonObject) -> None:
        """Store an update until it is delivered."""
        self.updates[update_id] = copy.deepcopy(record)
        self._documents.put("update", update_id, record)

    def drop_update(self, update_id: int) -> None:
        """Forget a delivered update."""
        self.updates.pop(update_id, None)
        self._documents.delete("update", update_id)

    def put_call(self, call: JsonObject) -> None:
        """Note a Bot API call; the oldest make room."""
        if len(self.calls) == KEPT_CALLS:
            self._documents.delete("call", self.calls[0]["id"])
        self.calls.append(call)
        self._documents.put("call", call["id"], call)

    def close(self) -> None:
        """Close the file."""
        self._documents.close()
