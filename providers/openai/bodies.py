"""Turns a job into the arguments of ``images.generate`` or ``images.edit``, refusing what the model would refuse."""

from __future__ import annotations

from dataclasses import dataclass

from providers import options
from providers.base import InputMedia, Job, MediaKind, MediaRole
from providers.errors import InvalidRequest
from providers.http import without_nothing
from providers.openai import masks, models, sizes
from providers.openai.models import Traits

MOST_PICTURES = 16
MOST_RESULTS = 10
LARGEST_PICTURE = 50 * 1024 * 1024
LONGEST_PROMPT = 32_000
PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
BACKGROUNDS = ("auto", "opaque", "transparent")
MODERATION = ("auto", "low")
COMPLEXITY = ("low", "medium", "high")
OPTIONS = frozenset(
    {
        "aspect_ratio",
        "image_size",
        "size",
        "quality",
        "quantity",
        "background",
        "output_format",
        "output_compression",
        "moderation",
        "complexity",
        "input_fidelity",
    }
)

File = tuple[str, bytes, str]
Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class Order:
    """What is sent: `pictures` makes it an edit."""

    fields: Fields
    pictures: tuple[File, ...]
    mask: File | None


def order(job: Job) -> Order:
    """Return what is sent for a job.

    Raises:
        ModelRetired: the model was shut down.
        InvalidRequest: the model cannot do this.
    """
    traits = models.traits(job.model)
    _check(job)
    pictures = options.of_role(job, MediaRole.IMAGE, MediaRole.REFERENCE)
    given = options.of_role(job, MediaRole.MASK)
    if given and not pictures:
        raise InvalidRequest("a mask needs a picture")
    frame = masks.measured(pictures[0]) if pictures else None
    mask = masks.prepared(given[0], frame) if given and frame else None
    return Order(
        _fields(job, traits, frame),
        tuple(_file(picture, number) for number, picture in enumerate(pictures, 1)),
        ("mask.png", mask, "image/png") if mask else None,
    )


def result_type(job: Job) -> str:
    """Return the type of what is made."""
    return FORMATS[options.text(job, "output_format") or "png"]


def _check(job: Job) -> None:
    options.need_kind(job, MediaKind.IMAGE)
    options.need_words(job)
    options.only_roles(job, MediaRole.IMAGE, MediaRole.REFERENCE, MediaRole.MASK)
    if job.action is not None:
        raise InvalidRequest(f"{job.model} cannot {job.action.kind.value} a picture")
    strangers = sorted(set(job.params) - OPTIONS)
    if strangers:
        raise InvalidRequest(f"{job.model} has no option {', '.join(strangers)}")
    if len(job.prompt) > LONGEST_PROMPT:
        raise InvalidRequest(f"{job.model} reads {LONGEST_PROMPT} characters, not {len(job.prompt)}")
    masked = len(options.of_role(job, MediaRole.MASK))
    if masked > 1 or len(job.images) - masked > MOST_PICTURES:
        raise InvalidRequest(f"{job.model} takes {MOST_PICTURES} pictures and a mask, not {len(job.images)} inputs")


def _fields(job: Job, traits: Traits, frame: tuple[int, int] | None) -> Fields:
    """Return everything but the files, under the vendor's names."""
    quality = options.text(job, "quality")
    if quality is not None:
        options.one_of("quality", quality, traits.qualities, job.model)
    fields = without_nothing(
        model=job.model,
        prompt=job.prompt,
        n=_quantity(job),
        size=_size(job, traits, frame),
        quality=quality,
        moderation=_choice(job, "moderation", () if frame else MODERATION),
        complexity=_choice(job, "complexity", COMPLEXITY if traits.has_complexity else ()),
        input_fidelity=_choice(job, "input_fidelity", traits.fidelity if frame else ()),
        **_look(job),
    )
    return dict(fields)


def _look(job: Job) -> dict[str, str | int | None]:
    """Return background and file format, which must go together."""
    background = _choice(job, "background", BACKGROUNDS)
    form = _choice(job, "output_format", tuple(FORMATS))
    compression = options.whole(job, "output_compression")
    if background == "transparent" and form == "jpeg":
        raise InvalidRequest("a jpeg has no transparent background")
    if compression is not None and (form not in ("jpeg", "webp") or not 0 <= compression <= 100):
        raise InvalidRequest(f"output_compression {compression} is from 0 to 100 and for jpeg and webp only")
    return {"background": background, "output_format": form, "output_compression": compression}


def _size(job: Job, traits: Traits, frame: tuple[int, int] | None) -> str | None:
    size, shape = options.text(job, "size"), options.text(job, "aspect_ratio")
    scale = options.text(job, "image_size")
    if size is not None and (shape or scale):
        raise InvalidRequest("size is given beside aspect_ratio or image_size, which it stands for")
    if size not in (None, "auto"):
        return sizes.checked(traits, size)
    if shape not in (None, "auto"):
        return sizes.of_shape(traits, shape, scale or "1K")
    if scale not in (None, "1K"):
        raise InvalidRequest(f"image_size {scale} needs an aspect_ratio")
    return sizes.nearest(traits, *frame) if frame else size or shape


def _quantity(job: Job) -> int:
    quantity = options.whole(job, "quantity", 1)
    if quantity is None or not 1 <= quantity <= MOST_RESULTS:
        raise InvalidRequest(f"quantity {quantity!r} is not a number from 1 to {MOST_RESULTS}")
    return quantity


def _choice(job: Job, name: str, known: tuple[str, ...]) -> str | None:
    value = options.text(job, name)
    if value is not None:
        options.one_of(name, value, known, job.model)
    return value


def _file(picture: InputMedia, number: int) -> File:
    """Return a part of the form. Without a name and a type it would be refused as an octet-stream."""
    if picture.mime not in PICTURES:
        raise InvalidRequest(f"pictures of {picture.mime} are not taken, only {', '.join(PICTURES)}")
    if len(picture.data) >= LARGEST_PICTURE:
        raise InvalidRequest(f"a picture has {len(picture.data)} bytes, {LARGEST_PICTURE} are too many")
    return f"{number}.{PICTURES[picture.mime]}", picture.data, picture.mime
