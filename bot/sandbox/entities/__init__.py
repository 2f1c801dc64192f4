"""Formatted text: markup becomes text and entities, as Telegram's server does it."""

from __future__ import annotations

from bot.sandbox.documents import JsonObject
from bot.sandbox.entities.detection import detect
from bot.sandbox.entities.html import parse_html
from bot.sandbox.entities.markdown import parse_markdown, parse_markdown_v2
from bot.sandbox.entities.text import FormattedText, utf16_length
from bot.sandbox.parameters import Parameters
from bot.sandbox.refusals import bad_request

__all__ = ["FormattedText", "detect", "formatted", "formatted_parameter", "utf16_length"]


def formatted(text: str, parse_mode: str, entities: list[JsonObject] | None) -> FormattedText:
    """Text and entities of what a bot sends, trimmed, with links and commands found.

    Raises:
        Refused: the markup is malformed.
    """
    match parse_mode.lower():
        case "":
            result = FormattedText(text, [_checked(entity) for entity in entities or []])
        case "html":
            result = parse_html(text)
        case "markdownv2":
            result = parse_markdown_v2(text)
        case "markdown":
            result = parse_markdown(text)
        case _:
            raise bad_request("unsupported parse_mode")
    result = result.trimmed()
    return FormattedText(result.text, detect(result.text, result.entities))


def _checked(entity: JsonObject) -> JsonObject:
    for name, kind, words in (("offset", int, "Number"), ("length", int, "Number"), ("type", str, "String")):
        if name not in entity:
            raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"")
        if not isinstance(entity[name], kind):
            raise bad_request(f'can\'t parse MessageEntity: Field "{name}" must be of type {words}')
    return dict(entity)


def formatted_parameter(parameters: Parameters, name: str) -> FormattedText:
    """The formatted text in the parameter `text` or `caption` and its companions."""
    entities_name = "entities" if name == "text" else f"{name}_entities"
    return formatted(parameters.text(name), parameters.text("parse_mode"), parameters.objects(entities_name))
