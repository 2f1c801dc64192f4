"""What is sent to Kling for a job, and what its models can do. The impossible is refused, never changed silently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from providers import options
from providers.base import InputMedia, Job, Json, MediaRole
from providers.errors import InvalidRequest
from providers.http import without_nothing

LONGEST_WORDS = 2500
MOST_REFERENCES = 7
MOST_REFERENCES_WITH_VIDEO = 4
_TAG = re.compile(r"(?<!<)@(image|video|element)_(\d)\b")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model takes. A model that is not listed is sent what was ordered, and Kling decides.

    Attributes:
        modes: qualities to choose from; empty where the model has one and refuses the field.
        end_frame: qualities in which a last frame can be given.
        sound: qualities in which the video can have sound.
        sound_with_end: whether it can have sound and a last frame.
        durations_of_words: lengths of a video made without references, where those are fewer.
    """

    durations: frozenset[int]
    modes: frozenset[str] = frozenset({"std", "pro"})
    end_frame: frozenset[str] = frozenset()
    sound: frozenset[str] = frozenset()
    sound_with_end: bool = True
    durations_of_words: frozenset[int] | None = None
    needs_image: bool = False
    takes_scale: bool = False
    is_omni: bool = False


SHORT = frozenset({5, 10})
PRO = frozenset({"pro"})
ALL = frozenset({"std", "pro", "4k"})
MODELS: dict[str, Traits] = {
    "kling-v1-6": Traits(SHORT, end_frame=PRO, takes_scale=True),
    "kling-v2-master": Traits(SHORT, modes=frozenset()),
    "kling-v2-1": Traits(SHORT, end_frame=PRO, needs_image=True),
    "kling-v2-1-master": Traits(SHORT, modes=frozenset()),
    "kling-v2-5-turbo": Traits(SHORT, end_frame=PRO),
    "kling-v2-6": Traits(SHORT, end_frame=PRO, sound=PRO, sound_with_end=False),
    "kling-v3": Traits(frozenset(range(3, 16)), modes=ALL, end_frame=ALL, sound=PRO | {"4k"}),
    "kling-video-o1": Traits(
        frozenset(range(3, 11)), end_frame=frozenset({"std", "pro"}), durations_of_words=SHORT, is_omni=True
    ),
    "kling-v3-omni": Traits(frozenset(range(3, 16)), end_frame=ALL, sound=PRO | {"4k"}, is_omni=True),
}


def check(job: Job, traits: Traits) -> None:
    """Refuse what the model cannot do, so that a price is never charged for something else than was ordered."""
    duration, mode = options.whole(job, "duration"), options.text(job, "mode")
    if duration is not None:
        options.one_of("duration", duration, traits.durations, job.model)
    if mode is not None:
        options.one_of("mode", mode, traits.modes or PRO, job.model)
    if traits.needs_image and not job.images:
        raise InvalidRequest(f"{job.model} needs a picture to begin with")
    if len(job.prompt) > LONGEST_WORDS:
        raise InvalidRequest(f"{job.model} reads {LONGEST_WORDS} characters, not {len(job.prompt)}")
    has_sound = options.flag(job, "sound") is True
    if has_sound and (mode or "std") not in traits.sound:
        raise InvalidRequest(f"{job.model} makes no sound in mode {mode or 'std'}")
    ends = options.of_role(job, MediaRole.END) if traits.is_omni else options.start_and_end(job)[1:]
    if any(ends) and (mode or "std") not in traits.end_frame:
        raise InvalidRequest(f"{job.model} takes no last frame in mode {mode or 'std'}")
    if any(ends) and has_sound and not traits.sound_with_end:
        raise InvalidRequest(f"{job.model} makes no sound with a last frame")


def plain(job: Job, traits: Traits | None) -> dict[str, Json]:
    """Return the body of a video from words, or from a first and perhaps a last frame."""
    options.only_roles(job, MediaRole.IMAGE, MediaRole.START, MediaRole.END)
    start, end = options.start_and_end(job)
    if start is None:
        options.need_words(job)
    if start is None and end is not None:
        raise InvalidRequest(f"{job.model} takes a last frame only after a first one")
    return without_nothing(
        model_name=job.model,
        prompt=job.prompt or None,
        duration=options.text(job, "duration"),
        mode=options.text(job, "mode") if traits is None or traits.modes else None,
        aspect_ratio=None if start else options.text(job, "aspect_ratio"),
        image=_file(start),
        image_tail=_file(end),
        sound=_sound(job, traits),
        **wishes(job, with_scale=traits is None or traits.takes_scale),
    )


def omni(job: Job, traits: Traits) -> dict[str, Json]:
    """Return the body of a video that is put together from references."""
    options.only_roles(job, *(role for role in MediaRole if role is not MediaRole.MASK))
    starts, ends = options.of_role(job, MediaRole.START), options.of_role(job, MediaRole.END)
    references = options.of_role(job, MediaRole.IMAGE, MediaRole.REFERENCE)
    videos = options.of_role(job, MediaRole.VIDEO)
    is_edit = bool(videos) and options.text(job, "video_mode") == "transform"
    _check_references(job, traits, len(starts), len(ends), len(references), len(videos))
    images = [*_pictures(starts, "first_frame"), *_pictures(ends, "end_frame"), *_pictures(references, None)]
    sound = options.flag(job, "keep_original_sound")
    clips: list[Json] = [
        {
            "video_url": options.link_to(video),
            "refer_type": "base" if is_edit else "feature",
            "keep_original_sound": "no" if sound is False else "yes",
        }
        for video in videos
    ]
    return without_nothing(
        model_name=job.model,
        prompt=_TAG.sub(r"<<<\1_\2>>>", options.need_words(job)),
        mode=options.text(job, "mode"),
        duration=None if is_edit else options.text(job, "duration"),
        aspect_ratio=None if is_edit or starts else options.text(job, "aspect_ratio"),
        image_list=images or None,
        video_list=clips or None,
        sound=_sound(job, traits),
    )


def _check_references(job: Job, traits: Traits, starts: int, ends: int, references: int, videos: int) -> None:
    if starts > 1 or ends > 1 or (ends and not starts) or videos > 1:
        raise InvalidRequest(f"{job.model} takes one first frame, one last frame after it, and one video")
    most = MOST_REFERENCES_WITH_VIDEO if videos else MOST_REFERENCES
    if starts + ends + references > most:
        raise InvalidRequest(f"{job.model} takes {most} pictures here, not {starts + ends + references}")
    duration, fewer = options.whole(job, "duration"), traits.durations_of_words
    if fewer is not None and not references and not videos and not ends and duration not in {*fewer, None}:
        listed = " or ".join(map(str, sorted(fewer)))
        raise InvalidRequest(f"{job.model} makes {listed} seconds without references, not {duration}")


def wishes(job: Job, *, with_scale: bool = False) -> dict[str, Json]:
    """Return the options that every older model takes. The scale is left out where a model has none."""
    return {
        "negative_prompt": options.text(job, "negative_prompt"),
        "cfg_scale": options.number(job, "cfg_scale") if with_scale else None,
    }


def _sound(job: Job, traits: Traits | None) -> str | None:
    """Return the switch where the model has one; left out, some models make sound and charge for it."""
    if traits is not None and not traits.sound:
        return None
    wanted = options.flag(job, "sound")
    if wanted is None and traits is None:
        return None
    return "on" if wanted else "off"


def _pictures(images: Iterable[InputMedia], role: str | None) -> list[Json]:
    return [without_nothing(image_url=_file(image), type=role) for image in images]


def _file(image: InputMedia | None) -> str | None:
    """Return a picture as Kling takes it: a link, or base64 without ``data:`` in front."""
    return None if image is None else image.url or options.base64_of(image)
