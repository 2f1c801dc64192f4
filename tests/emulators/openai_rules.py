"""What OpenAI's image endpoints refuse, and in which words."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

from PIL import Image
from sanic import Request

from tests.emulators.service import Body, Refused

RETIRED = {"dall-e-2", "dall-e-3", "gpt-image-1"}
FINE = {"gpt-image-2.5-flare", "gpt-image-2.5-sunburst", "gpt-image-2.6-flare", "gpt-image-2.6-sunburst"}
FREE = FINE | {"gpt-image-2", "gpt-image-2-2026-04-21"}
FIDELITY = {"gpt-image-1.5": {"low", "high"}, "gpt-image-1-mini": {"low"}}
MODELS = FREE | set(FIDELITY) | {"chatgpt-image-latest"}
STANDARD = {"auto", "1024x1024", "1536x1024", "1024x1536"}
BOTH = {
    "model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression", "complexity",
    "stream", "partial_images", "safety_identifier", "user", "frame_count", "frame_duration_ms", "svg",
}  # fmt: skip
GENERATE = BOTH | {"moderation"}
EDIT = BOTH | {"image", "image[]", "mask", "markup", "input_fidelity"}
LEGACY = {"response_format", "style"}
VALUES = {
    "background": {"auto", "opaque", "transparent"},
    "output_format": {"png", "webp", "jpeg"},
    "moderation": {"auto", "low"},
    "complexity": {"low", "medium", "high"},
}
MOST_PIXELS = 3840 * 2160
LEAST_PIXELS = 655_360


def refused(
    message: str,
    *,
    status: int = 400,
    code: str | None = None,
    param: str | None = None,
    kind: str = "invalid_request_error",
    headers: dict[str, str] | None = None,
) -> Refused:
    """Return an error as OpenAI shapes it."""
    return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": code}}, headers)


def check(body: Body, known: set[str]) -> None:
    """Refuse what every image call refuses."""
    for name in body:
        if name in LEGACY or name not in known:
            raise refused(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
    model = str(body.get("model", ""))
    if model in RETIRED or model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise refused(message, status=404, code="model_not_found", param="model")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip() or len(prompt) > 32_000:
        raise refused("Invalid 'prompt': a string of 1 to 32000 characters.", code="invalid_value", param="prompt")
    for name, values in VALUES.items():
        if name in body and body[name] not in values:
            raise invalid(name, body[name])
    check_number(body, "n", 1, 10)
    check_number(body, "output_compression", 0, 100)
    check_for_model(body, model)


def check_for_model(body: Body, model: str) -> None:
    """Refuse what this model refuses."""
    qualities = {"auto", "low", "medium", "high"} | ({"xhigh", "max"} if model in FINE else set())
    if body.get("quality", "auto") not in qualities:
        raise invalid("quality", body["quality"])
    if "complexity" in body and not model.startswith("gpt-image-2.6"):
        raise refused(f"'complexity' is not supported by {model}.", code="unsupported_parameter", param="complexity")
    if "input_fidelity" in body and body["input_fidelity"] not in FIDELITY.get(model, set()):
        raise refused(f"'input_fidelity' is not supported by {model}.", code="unsupported_parameter")
    check_size(str(body.get("size", "auto")), model)
    form = body.get("output_format", "png")
    if body.get("background") == "transparent" and form == "jpeg":
        raise refused("Transparent background is not supported for output format 'jpeg'.", param="background")
    if "output_compression" in body and form not in ("jpeg", "webp"):
        raise refused("Compression less than 100 is not supported for PNG output format.", param="output_compression")


def check_size(size: str, model: str) -> None:
    """Refuse a size that this model does not make."""
    if size in STANDARD:
        return
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if match is None or model not in FREE:
        raise invalid("size", size)
    width, height = int(match[1]), int(match[2])
    is_legal = not width % 16 and not height % 16 and max(width, height) <= 3840
    is_legal = is_legal and LEAST_PIXELS <= width * height <= MOST_PIXELS
    if not is_legal or max(width, height) > 3 * min(width, height):
        raise invalid("size", size)


def check_number(body: Body, name: str, least: int, most: int) -> None:
    """Refuse a number that is out of bounds; forms carry numbers as text."""
    if name not in body:
        return
    text = str(body[name])
    if isinstance(body[name], bool) or not text.isdigit() or not least <= int(text) <= most:
        raise invalid(name, body[name])


def invalid(name: str, value: object) -> Refused:
    """Return the refusal of a value."""
    return refused(f"Invalid value: '{value}'.", code="invalid_value", param=name)


def files_of(request: Request, name: str) -> list[Any]:
    """Return the files of a form under this name."""
    return list(request.files.getlist(name) or []) if request.files else []


def check_files(pictures: list[Any], mask: Any | None) -> list[Image.Image]:
    """Refuse files as OpenAI does; return the pictures."""
    if not 1 <= len(pictures) <= 16:
        raise refused("Invalid 'image': 1 to 16 images are required.", code="invalid_value", param="image")
    opened = []
    for file in pictures:
        if file.type not in ("image/png", "image/jpeg", "image/webp"):
            message = f"Invalid file '{file.name}': unsupported mimetype ('{file.type}')."
            raise refused(message, code="unsupported_file_mimetype", param="image")
        opened.append(picture(file.body))
    if mask is not None:
        check_mask(mask, opened[0])
    return opened


def check_mask(mask: Any, first: Image.Image) -> None:
    """Refuse a mask that is no PNG with alpha of the first picture's size."""
    image = picture(mask.body)
    if mask.type != "image/png" or image.format != "PNG" or "A" not in image.getbands():
        raise refused("Invalid mask image format - mask image missing alpha channel.", param="mask")
    if len(mask.body) >= 4 * 1024 * 1024:
        raise refused("Invalid mask: the file exceeds 4MB.", param="mask")
    if image.size != first.size:
        raise refused("Invalid mask image format - mask size does not match image size.", param="mask")


def picture(data: bytes) -> Image.Image:
    """Return the decoded picture."""
    try:
        image = Image.open(BytesIO(data))
        image.load()
    except OSError:
        raise refused("Invalid image file or mode for image.", code="invalid_image_file", param="image") from None
    return image
