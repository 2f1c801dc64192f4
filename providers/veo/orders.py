"""Turns a job into what ``generate_videos`` takes, and refuses what Veo cannot do before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers import options
from providers.base import ActionKind, InputMedia, Job, MediaRole
from providers.errors import InvalidRequest
from providers.veo.folders import Order

if TYPE_CHECKING:
    from google.genai import types

RATIOS = ("16:9", "9:16")
SECONDS = (4, 6, 8)
RESOLUTIONS = ("720p", "1080p", "4k")
PICTURES = frozenset({"image/jpeg", "image/png"})
MOST_VIDEOS = 4
MOST_REFERENCES = 3
REFERENCE_SECONDS = 8
EXTENSION_SECONDS = 7
EXTENSION_RESOLUTION = "720p"


def read(job: Job) -> Order:
    """Return what the job orders, as far as it has a price.

    Raises:
        InvalidRequest: Veo has no such option, or not together with these inputs.
    """
    sound = options.flag(job, "sound")
    quantity = options.whole(job, "quantity", 1)
    options.one_of("quantity", quantity, range(1, MOST_VIDEOS + 1), job.model)
    if job.action is not None:
        _check_extension(job)
        seconds, resolution = EXTENSION_SECONDS, EXTENSION_RESOLUTION
    else:
        _check_inputs(job)
        seconds = options.whole(job, "duration", REFERENCE_SECONDS) or 0
        resolution = options.text(job, "resolution") or EXTENSION_RESOLUTION
        options.one_of("duration", seconds, SECONDS, job.model)
        options.one_of("resolution", resolution, RESOLUTIONS, job.model)
        if _references(job) and seconds != REFERENCE_SECONDS:
            raise InvalidRequest(f"with reference pictures {job.model} makes {REFERENCE_SECONDS} s, not {seconds}")
    options.one_of("aspect_ratio", options.text(job, "aspect_ratio") or RATIOS[0], RATIOS, job.model)
    return Order(seconds, resolution, sound is not False, job.action is not None, quantity or 1)


def source(job: Job, parent: str | None) -> types.GenerateVideosSource:
    """Return the words, and the frame or video that the film goes on from; `parent` is the address of that video."""
    from google.genai import types

    start, _ = (None, None) if _references(job) else options.start_and_end(job)
    return types.GenerateVideosSource(
        prompt=job.prompt.strip() or None,
        image=_image(start) if start else None,
        video=types.Video(uri=parent, mime_type="video/mp4") if parent else None,
    )


def config(job: Job, order: Order, storage_uri: str, label: str) -> types.GenerateVideosConfig:
    """Return the options. The sound is always told: left out, it would be whatever the model's version likes."""
    from google.genai import types

    _, end = (None, None) if _references(job) else options.start_and_end(job)
    references = [
        types.VideoGenerationReferenceImage(
            image=_image(picture), reference_type=types.VideoGenerationReferenceType.ASSET
        )
        for picture in _references(job)
    ]
    return types.GenerateVideosConfig(
        number_of_videos=order.quantity,
        duration_seconds=None if order.is_extension else order.seconds,
        resolution=order.resolution,
        # An extension has the shape of its parent, whatever the options say.
        aspect_ratio=None if order.is_extension else options.text(job, "aspect_ratio"),
        generate_audio=order.sound,
        negative_prompt=options.text(job, "negative_prompt"),
        person_generation="allow_adult",
        last_frame=_image(end) if end else None,
        reference_images=references or None,
        output_gcs_uri=storage_uri,
        labels={"job": label},
    )


def _check_extension(job: Job) -> None:
    assert job.action is not None
    if job.action.kind is not ActionKind.EXTEND:
        raise InvalidRequest(f"Veo can extend a video, not {job.action.kind.value} it")
    if job.images:
        raise InvalidRequest("an extension starts from a video and takes no pictures")
    resolution = options.text(job, "resolution") or EXTENSION_RESOLUTION
    seconds = options.whole(job, "duration", EXTENSION_SECONDS)
    if (seconds, resolution) != (EXTENSION_SECONDS, EXTENSION_RESOLUTION):
        raise InvalidRequest(
            f"an extension adds {EXTENSION_SECONDS} s in {EXTENSION_RESOLUTION}, not {seconds} s in {resolution}"
        )


def _check_inputs(job: Job) -> None:
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END, MediaRole.REFERENCE)
    strangers = {picture.mime for picture in job.images} - PICTURES
    if strangers:
        raise InvalidRequest(f"{job.model} takes JPEG and PNG, not {', '.join(sorted(strangers))}")
    references = _references(job)
    if not references:
        start, end = options.start_and_end(job)
        if end and not start:
            raise InvalidRequest(f"{job.model} takes a last frame only together with a first one")
        return
    if len(references) < len(job.images):
        raise InvalidRequest(f"{job.model} takes reference pictures or frames, not both")
    if len(references) > MOST_REFERENCES:
        raise InvalidRequest(f"{job.model} takes up to {MOST_REFERENCES} reference pictures, not {len(references)}")
    options.need_words(job)


def _references(job: Job) -> tuple[InputMedia, ...]:
    return options.of_role(job, MediaRole.REFERENCE)


def _image(picture: InputMedia) -> types.Image:
    from google.genai import types

    return types.Image(image_bytes=picture.data, mime_type=picture.mime)
