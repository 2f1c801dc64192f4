"""A result that is words: one message with a text to copy, and what can be made with it."""

from __future__ import annotations

from bot.captions import LONGEST_TEXT, cut, visible_length
from bot.texts import Html, Words, escape, join
from core import storage
from core.generations import Generation
from core.storage import FileNotStored


async def text_of(generation: Generation) -> str:
    """Return the words that a generation made.

    Raises:
        core.storage.FileNotStored: they are gone.
    """
    if not generation.results:
        raise FileNotStored(generation.run_code)
    content = await storage.storage().read(generation.results[0].key)
    return content.decode("utf-8", "replace").strip()


def message_of(words: Words, price: Html, text: str) -> Html:
    """Put the words under a heading, so that a tap copies them and nothing else."""
    head = join(words("reference-title"), price)
    foot = words("reference-copy")
    room = LONGEST_TEXT - visible_length(head) - visible_length(foot) - len("\n\n\n\n")
    return join(head, f"<code>{escape(cut(text, room))}</code>", foot)
