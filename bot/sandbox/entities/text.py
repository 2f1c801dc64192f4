"""A text with its entities. Telegram counts offsets and lengths in UTF-16 code units."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.sandbox.documents import JsonObject


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass(frozen=True)
class FormattedText:
    """Plain text and the entities that format it."""

    text: str
    entities: list[JsonObject] = field(default_factory=list)

    def trimmed(self) -> FormattedText:
        """The text without white space around it, entities moved accordingly."""
        stripped = self.text.strip()
        shift = utf16_length(self.text[: len(self.text) - len(self.text.lstrip())])
        end = utf16_length(stripped)
        entities = []
        for entity in self.entities:
            start = max(0, entity["offset"] - shift)
            stop = min(end, entity["offset"] - shift + entity["length"])
            if stop > start:
                entities.append({**entity, "offset": start, "length": stop - start})
        return FormattedText(stripped, entities)
