"""Chats as both sides see them: who is who, new messages, edits and deletions, told to the page at once."""

from __future__ import annotations

import copy

from bot.sandbox.documents import JsonObject
from bot.sandbox.events import Events
from bot.sandbox.keyboards import is_inline
from bot.sandbox.parameters import Parameters, whole_number
from bot.sandbox.refusals import bad_request, blocked_by_user
from bot.sandbox.state import Person, State, StoredMessage


class Chats:
    """Private chats between people and the bot."""

    def __init__(self, state: State, events: Events, bot: JsonObject) -> None:
        self.state = state
        self.events = events
        self.bot = bot

    def find(self, parameters: Parameters, name: str = "chat_id") -> Person:
        """The chat that a call names.

        Raises:
            Refused: there is no such chat.
        """
        value = parameters.text(name)
        if not value:
            raise bad_request(f"{name} is empty")
        if value.startswith("@"):
            username = value[1:].lower()
            for person in self.state.people.values():
                if str(person.profile.get("username", "")).lower() == username:
                    return person
            raise bad_request("chat not found")
        person_or_none = self.state.people.get(parameters.integer(name))
        if person_or_none is None:
            raise bad_request("chat not found")
        return person_or_none

    def reachable(self, parameters: Parameters) -> Person:
        """The chat that a call names, if the person has not blocked the bot."""
        person = self.find(parameters)
        if person.has_blocked_bot:
            raise blocked_by_user()
        return person

    def message(self, chat_id: int, message_id: int, purpose: str) -> StoredMessage:
        """A message by its id; `purpose` completes Telegram's complaint "message to … not found"."""
        stored = self.state.message(chat_id, message_id)
        if stored is None:
            raise bad_request(f"message to {purpose} not found")
        return stored

    def post_as_bot(
        self, person: Person, content: JsonObject, parameters: Parameters, markup: JsonObject | None
    ) -> JsonObject:
        """Add a message of the bot, with what every sending method accepts."""
        body = copy.deepcopy(content)
        reply = self._replied(person, parameters)
        if reply:
            body["reply_to_message"] = reply
        if parameters.flag("protect_content"):
            body["has_protected_content"] = True
        if parameters.text("message_effect_id"):
            body["effect_id"] = parameters.text("message_effect_id")
        if is_inline(markup):
            body["reply_markup"] = markup
        stored = self._add(person, self.bot, body, has_other_keyboard=markup is not None and not is_inline(markup))
        self._take_keyboard(person, markup)
        return stored.body

    def post_as_person(self, person: Person, content: JsonObject) -> JsonObject:
        """Add a message of a person."""
        return self._add(person, person.profile, copy.deepcopy(content)).body

    def _add(
        self, person: Person, sender: JsonObject, content: JsonObject, *, has_other_keyboard: bool = False
    ) -> StoredMessage:
        body: JsonObject = {
            "message_id": self.state.next_number("message"),
            "from": sender,
            "chat": person.chat(),
            "date": self.state.now(),
            **content,
        }
        stored = StoredMessage(body, has_other_keyboard)
        self.state.put_message(stored)
        self.events.publish(person.id, "message", message=copy.deepcopy(body))
        return stored

    def _replied(self, person: Person, parameters: Parameters) -> JsonObject | None:
        reply = parameters.object("reply_parameters") or {}
        message_id = whole_number(reply.get("message_id")) or parameters.integer("reply_to_message_id")
        if not message_id:
            return None
        stored = self.state.message(person.id, message_id)
        if stored is not None:
            return {key: value for key, value in copy.deepcopy(stored.body).items() if key != "reply_to_message"}
        if reply.get("allow_sending_without_reply") or parameters.flag("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found")

    def _take_keyboard(self, person: Person, markup: JsonObject | None) -> None:
        if markup is None or is_inline(markup):
            return
        person.reply_keyboard = markup if "keyboard" in markup else None
        self.state.put_person(person)
        self.events.publish(person.id, "keyboard", keyboard=markup)

    def changed(self, stored: StoredMessage) -> JsonObject:
        """Keep an edited message and tell the page."""
        stored.body["edit_date"] = self.state.now()
        return self.kept(stored)

    def kept(self, stored: StoredMessage) -> JsonObject:
        """Keep a message whose buttons or reactions changed, which Telegram does not call an edit."""
        self.state.put_message(stored)
        self.events.publish(stored.body["chat"]["id"], "edit", message=copy.deepcopy(stored.body))
        return stored.body

    def delete(self, chat_id: int, message_id: int) -> bool:
        """Remove a message on both sides; says whether there was one."""
        if not self.state.drop_message(chat_id, message_id):
            return False
        self.events.publish(chat_id, "delete", message_id=message_id)
        return True
