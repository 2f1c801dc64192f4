"""Describes a reference without looking far, as a prompt: its shape, light and colours, or the site of a link."""

from __future__ import annotations

import io
from urllib.parse import urlsplit

from PIL import Image, ImageStat

from providers.base import InputMedia, Job, Media
from providers.errors import InvalidRequest

MIME = "text/plain; charset=utf-8"
COLOURS = {
    "red": ((200, 40, 40), "красный"),
    "orange": ((230, 140, 40), "оранжевый"),
    "yellow": ((230, 220, 70), "жёлтый"),
    "green": ((60, 160, 70), "зелёный"),
    "teal": ((40, 150, 150), "бирюзовый"),
    "blue": ((50, 90, 200), "синий"),
    "violet": ((130, 70, 180), "фиолетовый"),
    "brown": ((120, 80, 50), "коричневый"),
    "black": ((20, 20, 20), "чёрный"),
    "grey": ((128, 128, 128), "серый"),
    "white": ((240, 240, 240), "белый"),
}
DARK, BRIGHT = 85, 170
"""Mean brightness, of 255, below and above which a picture is called so."""


def text(job: Job) -> Media:
    """Return a prompt in the language of `params["language"]`.

    Raises:
        InvalidRequest: nothing was given, or the picture cannot be read.
    """
    is_russian = job.params.get("language", "ru") == "ru"
    link = job.params.get("source_url")
    if job.images:
        described = _of(job.images[0], is_russian)
    elif isinstance(link, str):
        host = urlsplit(link).hostname or link
        described = f"короткий ролик, как на {host}" if is_russian else f"a short clip like one on {host}"
    else:
        raise InvalidRequest("neither a picture nor a video nor a link was given")
    wishes = job.prompt.strip()
    return Media(MIME, data=f"{described}, {wishes}".rstrip(", ").encode())


def _of(given: InputMedia, is_russian: bool) -> str:
    if given.mime.startswith("video/"):
        return "короткий ролик, плавная камера" if is_russian else "a short clip, smooth camera"
    try:
        with Image.open(io.BytesIO(given.data)) as image:
            shape = (image.width > image.height) - (image.width < image.height)
            small = image.convert("RGB").resize((16, 16))
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"the picture cannot be read: {type(error).__name__}") from None
    red, green, blue = ImageStat.Stat(small).mean
    light = (red + green + blue) / 3
    name = min(COLOURS, key=lambda key: _distance(COLOURS[key][0], (red, green, blue)))
    if is_russian:
        form = ("вертикальный кадр", "квадратный кадр", "горизонтальный кадр")[shape + 1]
        mood = "тёмный" if light < DARK else "светлый" if light > BRIGHT else "мягкий свет"
        return f"{form}, {mood}, главный цвет {COLOURS[name][1]}"
    form = ("a vertical picture", "a square picture", "a wide picture")[shape + 1]
    mood = "dark" if light < DARK else "bright" if light > BRIGHT else "soft light"
    return f"{form}, {mood}, mainly {name}"


def _distance(one: tuple[int, int, int], other: tuple[float, float, float]) -> float:
    return sum((first - second) ** 2 for first, second in zip(one, other, strict=True))
