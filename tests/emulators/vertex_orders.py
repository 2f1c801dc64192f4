"""What Vertex says of an order for a Veo video before it takes it: one rule after the other, as its documents tell."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from tests.emulators.google_errors import refused

MODELS = ("veo-3.1-generate-001", "veo-3.1-fast-generate-001", "veo-3.1-lite-generate-001")
INSTANCE = {"prompt", "image", "lastFrame", "video", "referenceImages", "mask"}
PARAMETERS: dict[str, Collection[object]] = {
    "sampleCount": (1, 2, 3, 4),
    "durationSeconds": (4, 6, 8),
    "aspectRatio": ("16:9", "9:16"),
    "resolution": ("720p", "1080p", "4k"),
    "generateAudio": (True, False),
    "personGeneration": ("allow_adult", "dont_allow", "allow_all"),
    "enhancePrompt": (True,),
    "compressionQuality": ("optimized", "lossless"),
    "resizeMode": ("pad", "crop"),
}
FREE = {"negativePrompt", "seed", "fps", "storageUri", "pubsubTopic"}
LABEL = re.compile(r"[a-z0-9_-]{0,63}")
STORAGE = re.compile(r"gs://([a-z0-9._-]{3,222})/.*")

Body = dict[str, Any]


def check(body: Body, buckets: Collection[str], has_object: Any) -> tuple[Body, Body]:
    """Return instance and parameters of an order that Vertex would take.

    Raises:
        Refused: it would not.
    """
    known(body, {"instances", "parameters", "labels"}, "")
    instances, parameters = body.get("instances"), body.get("parameters")
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(parameters, dict):
        raise refused(400, "Exactly one instance and its parameters are required.")
    instance: Body = instances[0]
    known(instance, INSTANCE, "instances[0].")
    known(parameters, PARAMETERS.keys() | FREE, "parameters.")
    if not any(instance.get(name) for name in ("prompt", "image", "video")):
        raise refused(400, "Either prompt, image or video must be given.")
    check_parameters(parameters, buckets)
    check_inputs(instance, parameters, has_object)
    for label, value in (body.get("labels") or {}).items():
        if not LABEL.fullmatch(str(label)) or not LABEL.fullmatch(str(value)):
            raise refused(400, f"Label {label}: {value} is not valid.")
    return instance, parameters


def known(given: Mapping[str, object], names: Collection[str], where: str) -> None:
    """Refuse a field that the API does not have."""
    for name in given:
        if name not in names:
            raise refused(400, f'Invalid JSON payload received. Unknown name "{where}{name}": Cannot find field.')


def check_parameters(parameters: Body, buckets: Collection[str]) -> None:
    """Refuse values that Veo does not take. Its documents call the sound required."""
    for name, values in PARAMETERS.items():
        value = parameters.get(name)
        if value is not None and (
            value not in values or isinstance(value, bool) != isinstance(next(iter(values)), bool)
        ):
            raise refused(400, f"{name} {value!r} is not supported. Supported values: {list(values)}.")
    if "generateAudio" not in parameters:
        raise refused(400, "generateAudio is required for Veo 3 models.")
    found = STORAGE.fullmatch(str(parameters.get("storageUri", "")))
    if found is None:
        raise refused(400, "storageUri must be a Cloud Storage URI.")
    if found[1] not in buckets:
        raise refused(403, f"The service agent has no storage.objects.create access to bucket {found[1]}.")


def check_inputs(instance: Body, parameters: Body, has_object: Any) -> None:
    """Refuse pictures and videos that do not go together."""
    references = instance.get("referenceImages", [])
    for picture in [instance.get("image"), instance.get("lastFrame"), *(item.get("image") for item in references)]:
        if picture is not None:
            check_picture(picture)
    if "lastFrame" in instance and "image" not in instance:
        raise refused(400, "lastFrame is supported together with image only.")
    if "video" in instance and ("image" in instance or "lastFrame" in instance):
        raise refused(400, "video and image are mutually exclusive.")
    if references:
        check_references(instance, parameters)
    if "video" in instance:
        video = instance["video"]
        known(video, {"gcsUri", "bytesBase64Encoded", "mimeType"}, "video.")
        if video.get("mimeType") != "video/mp4" or not has_object(str(video.get("gcsUri"))):
            raise refused(400, "The video cannot be read. It must be an MP4 that Veo made.")
        if "durationSeconds" in parameters or parameters.get("resolution", "720p") != "720p":
            raise refused(400, "An extension is 7 seconds in 720p.")


def check_references(instance: Body, parameters: Body) -> None:
    """Refuse what does not go with reference pictures."""
    references = instance["referenceImages"]
    if len(references) > 3 or any(item.get("referenceType", "").lower() != "asset" for item in references):
        raise refused(400, "Up to 3 reference images of type asset are supported.")
    if any(name in instance for name in ("image", "lastFrame", "video")) or not instance.get("prompt"):
        raise refused(400, "Reference images need a prompt and exclude image, lastFrame and video.")
    if parameters.get("durationSeconds", 8) != 8:
        raise refused(400, "With reference images durationSeconds must be 8.")


def check_picture(picture: Body) -> None:
    """Refuse what is no JPEG or PNG."""
    known(picture, {"bytesBase64Encoded", "gcsUri", "mimeType"}, "image.")
    if picture.get("mimeType") not in ("image/jpeg", "image/png"):
        raise refused(400, f"mimeType {picture.get('mimeType')} is not supported.")
    try:
        Image.open(BytesIO(base64.b64decode(picture.get("bytesBase64Encoded", ""), validate=True))).verify()
    except (binascii.Error, OSError):
        raise refused(400, "Unable to process input image.") from None
