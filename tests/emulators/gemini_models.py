"""What Gemini's models make of a request, and what they refuse: the same on the Developer API and on Vertex.

Pictures and, for the models of words, a description of the media by the schema of the request. The markers of
`tests.emulators.gemini` say how it goes; for words also ``#long`` (a prompt without end) and ``#empty`` (a prompt
of blanks) ``#cut`` (the answer ends in the middle, with MAX_TOKENS).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any, Self

from PIL import Image, ImageOps

from tests.emulators import media

Body = dict[str, Any]

MODELS: dict[str, frozenset[str]] = {
    "gemini-2.5-flash-image": frozenset(),
    "gemini-3.1-flash-lite-image": frozenset(),
    "gemini-3.1-flash-image": frozenset({"512", "1K", "2K", "4K"}),
    "gemini-nano-banana-2.1": frozenset({"1K", "2K", "4K"}),
    "gemini-3-pro-image": frozenset({"1K", "2K", "4K"}),
}
RATIOS = frozenset(["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"])
SIDES = {"512": 512, "1K": 1024, "2K": 2048, "4K": 4096}
IMAGE_TOKENS = {"512": 747, "1K": 1120, "2K": 1680, "4K": 3766}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TEXT_MODELS = frozenset({"gemini-3.8-flash", "gemini-3.5-flash-lite", "gemini-3.1-pro-preview"})
SERVED = MODELS.keys() | TEXT_MODELS
YOUTUBE = ("https://www.youtube.com/", "https://youtube.com/", "https://m.youtube.com/", "https://youtu.be/")
OURS = frozenset({"properties", "labels"})
VIDEOS = frozenset({"video/mp4", "video/mpeg", "video/quicktime", "video/webm", "video/3gpp"})


class Refused(Exception):
    """The request is answered with an error status."""

    def __init__(
        self, code: int, message: str, *, status: str | None = None, details: list[Body] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.body: Body = {
            "error": {"code": code, "message": message, "status": status or STATUSES.get(code, "UNKNOWN")}
        }
        if details is not None:
            self.body["error"]["details"] = details


def parse(raw: bytes) -> Body:
    """Return the request's document, checked as far as Google checks it."""
    try:
        body: Body = camel(json.loads(raw))
    except ValueError:
        raise Refused(400, "Invalid JSON payload received.") from None
    if not body.get("contents") or not body["contents"][0].get("parts"):
        raise Refused(400, "GenerateContentRequest.contents: contents is not specified")
    return body


def camel(value: Any) -> Any:
    """Return a document with Google's own names of fields: it reads ``file_uri`` as ``fileUri``, and the SDK uses that.

    The names of the fields of a schema and of labels are ours and stay.
    """
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), name): inner if name in OURS else camel(inner)
        for name, inner in value.items()
    }


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the model would take."""

    model: str
    prompt: str
    images: list[Image.Image]
    videos: int
    config: Body

    @classmethod
    def read(cls, model: str, body: Body, files: Mapping[str, str]) -> Self:
        """Check a request as Google checks it. `files` are the uploaded ones that are ready, with their types.

        Raises:
            Refused: Google would not take it.
        """
        config = body.get("generationConfig", {})
        parts = body["contents"][0]["parts"]
        prompt = " ".join(part["text"] for part in parts if "text" in part)
        given = [read_media(part["inlineData"]) for part in parts if "inlineData" in part]
        linked = [read_link(part["fileData"], files) for part in parts if "fileData" in part]
        check(model, config)
        pictures = [item for item in given if item is not None]
        if model not in TEXT_MODELS and len(pictures) < len(given) + len(linked):
            raise Refused(400, "Unable to process input image. Please retry.")
        return cls(model, prompt, pictures, len(given) - len(pictures) + len(linked), config)

    def answer(self, markers: dict[str, str]) -> Body:
        """Return the document of a call that was accepted."""
        if self.model in TEXT_MODELS and not markers.keys() & {"block", "nothing", "finish", "refuse"}:
            return description(self, markers)
        return result(self.model, self.prompt, self.images, self.config, markers)


def read_media(part: Body) -> Image.Image | None:
    """Return the picture in a part; None when it is a video."""
    try:
        data = base64.b64decode(part["data"].translate({45: 43, 95: 47}), validate=True)
        if part.get("mimeType") in VIDEOS and data[4:8] == b"ftyp":
            return None
        return Image.open(BytesIO(data)).convert("RGB")
    except (binascii.Error, OSError):
        raise Refused(400, "Unable to process input image. Please retry.") from None


def read_link(part: Body, files: Mapping[str, str]) -> str:
    """Return an address that Google can open: YouTube, or an uploaded file that is ready."""
    uri = str(part.get("fileUri"))
    if uri.startswith(YOUTUBE) and "private" in uri:
        raise Refused(403, "You do not have permission to access the video or it may not exist.")
    if uri in files or uri.startswith(YOUTUBE):
        return uri
    raise Refused(400, f"Cannot fetch content from the provided URL: {uri}")


def check(model: str, config: Body) -> None:
    """Refuse what the model refuses."""
    if model in TEXT_MODELS:
        check_words(config)
        return
    if model not in MODELS:
        raise Refused(404, f"models/{model} is no longer available. Please update your code to use a newer model.")
    image = config.get("imageConfig", {})
    if "IMAGE" not in config.get("responseModalities", []):
        raise Refused(400, "The requested combination of response modalities is not supported by the model.")
    if "aspectRatio" in image and image["aspectRatio"] not in RATIOS:
        raise Refused(400, f"aspect_ratio {image['aspectRatio']} is not supported")
    if "imageSize" in image and image["imageSize"] not in MODELS[model]:
        raise Refused(400, f"image_size {image['imageSize']} is not supported by {model}")


def check_words(config: Body) -> None:
    """Refuse what a model of words refuses."""
    if "IMAGE" in config.get("responseModalities", []) or "imageConfig" in config:
        raise Refused(400, "The requested combination of response modalities is not supported by the model.")
    if "responseSchema" in config and config.get("responseMimeType") != "application/json":
        raise Refused(400, "responseSchema is supported with the type application/json only.")


def description(asked: Asked, markers: dict[str, str]) -> Body:
    """Return a description by the schema of the request: the wishes, and the colour of the first picture."""
    wishes = re.sub(r"#[a-z]+(?:=\S+)?", "", re.sub(r".*<wishes>\n|\n</wishes>.*", "", asked.prompt)).strip()
    wishes = "" if wishes == "There are no wishes." else wishes
    red, green, blue = asked.images[0].resize((1, 1)).getpixel((0, 0)) if asked.images else (90, 120, 160)  # type: ignore[misc]
    words = dict.fromkeys(asked.config.get("responseSchema", {}).get("properties", {}), "calm")
    prompts = {
        "prompt_en": f"A wide scene in tones of #{red:02x}{green:02x}{blue:02x}, soft light. {wishes}".strip(),
        "prompt_ru": f"Широкая сцена в тонах #{red:02x}{green:02x}{blue:02x}, мягкий свет. {wishes}".strip(),
    }
    if "long" in markers:
        prompts = {name: words * 200 for name, words in prompts.items()}
    if "empty" in markers:
        prompts = dict.fromkeys(prompts, " ")
    text = json.dumps({**words, **prompts}, ensure_ascii=False)
    text = text[: len(text) // 2] if "cut" in markers else text
    content = {"role": "model", "parts": [{"thought": True, "text": "Let me look."}, {"text": text}]}
    ended = "MAX_TOKENS" if "cut" in markers else "STOP"
    tokens = {
        "promptTokenCount": 1000,
        "candidatesTokenCount": 300,
        "thoughtsTokenCount": 100,
        "totalTokenCount": 1400,
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
    }
    return {
        "modelVersion": asked.model,
        "candidates": [{"content": content, "finishReason": ended, "index": 0}],
        "usageMetadata": tokens,
    }


def wrong_key() -> Refused:
    """Return what Google says to a wrong key: 400, not 401."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }
    return Refused(400, "API key not valid. Please pass a valid API key.", details=[info])


def misbehave(markers: dict[str, str], key: str) -> None:
    """Raise the refusal that the markers ask for."""
    if "busy" in markers:
        raise Refused(429, "Resource has been exhausted.", status="RESOURCE_EXHAUSTED")
    if "retry" in markers:
        pause = f"{markers['retry'].removesuffix('s')}s"
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": pause}
        raise Refused(
            429,
            f"You exceeded your current quota. Please retry in {markers['retry']}.",
            status="RESOURCE_EXHAUSTED",
            details=[delay],
        )
    if "quota" in markers:
        raise Refused(
            429,
            "Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.",
            status="RESOURCE_EXHAUSTED",
        )
    if "nokey" in markers:
        raise wrong_key()
    if "precondition" in markers:
        raise Refused(400, markers["precondition"].replace("_", " "), status="FAILED_PRECONDITION")
    if "echo" in markers:
        raise Refused(403, f"Your API key {key} was reported as leaked.")
    if "status" in markers:
        code = int(markers["status"])
        raise Refused(code, f"emulated {STATUSES.get(code, 'failure')}")


def result(model: str, prompt: str, images: list[Image.Image], config: Body, markers: dict[str, str]) -> Body:
    """Return the document of a call that was accepted, with or without a picture in it."""
    answer: Body = {"modelVersion": model, "responseId": sha256(prompt.encode()).hexdigest()[:16]}
    if "block" in markers:
        return {**answer, "promptFeedback": {"blockReason": markers["block"] or "SAFETY"}, "usageMetadata": usage(0, 0)}
    if "nothing" in markers:
        return {**answer, "usageMetadata": usage(0, 0)}
    if "finish" in markers:
        return {
            **answer,
            "candidates": [{"content": {"role": "model"}, "finishReason": markers["finish"], "index": 0}],
            "usageMetadata": usage(0, 0),
        }
    parts: list[Body] = [{"text": "Here is your picture."}]
    size = config.get("imageConfig", {}).get("imageSize", "1K")
    if "refuse" in markers:
        parts = [{"text": "I cannot make this picture, but I can describe it."}]
    else:
        if "drafts" in markers:
            parts = [
                {"thought": True, "text": "A first sketch."},
                {"thought": True, **picture("draft", [], "1:1", "512")},
                *parts,
            ]
        ratio = config.get("imageConfig", {}).get("aspectRatio", "1:1")
        parts.append(
            {**picture(prompt, images, ratio, size), "thoughtSignature": base64.b64encode(b"signature").decode()}
        )
        if "drafts" in markers:
            parts.append({"thought": True, **picture("draft", [], "1:1", "512")})
    shown = 0 if "refuse" in markers else IMAGE_TOKENS[size]
    return {
        **answer,
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage(shown, 12),
    }


def usage(image: int, text: int) -> Body:
    """Return the token counts of a call."""
    return {
        "promptTokenCount": 300,
        "candidatesTokenCount": image + text,
        "thoughtsTokenCount": 210,
        "totalTokenCount": 510 + image + text,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": image},
            {"modality": "TEXT", "tokenCount": text},
        ],
    }


def picture(prompt: str, images: list[Image.Image], ratio: str, size: str) -> Body:
    """Return a part with a real PNG: the first input mirrored, or what the words say."""
    wide, _, high = ratio.partition(":")
    scale = SIDES[size] / max(int(wide), int(high))
    if images:
        made = ImageOps.mirror(images[0])
    else:
        made = media.drawing(prompt, (round(int(wide) * scale), round(int(high) * scale)), label="gemini")
    buffer = BytesIO()
    made.save(buffer, "PNG", compress_level=1)
    return {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()}}
