"""Reads a job's options and inputs for adapters, and refuses what cannot be, before anything is sent."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection

from providers.base import InputMedia, Job, MediaKind, MediaRole
from providers.errors import ContentBlocked, InvalidRequest, ProviderError, ProviderUnavailable

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,299}")
_REFUSALS = re.compile(
    r"moderat|sensitive|polic(?:y|ies)|safety|nsfw|prohibit|banned|violat|risk control|inappropriate|offensive"
    r"|filtered|content.?block|celebrit",
    re.IGNORECASE,
)


def text(job: Job, name: str) -> str | None:
    """Return an option as the vendor writes it, None where it is not given."""
    value = job.params.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise InvalidRequest(f"{name} {value!r} is neither text nor a number")
    return str(value)


def flag(job: Job, name: str) -> bool | None:
    """Return an option that is on or off, None where it is not given."""
    value = job.params.get(name)
    if value is None or isinstance(value, bool):
        return value
    if value not in ("on", "off"):
        raise InvalidRequest(f"{name} {value!r} is neither on nor off")
    return value == "on"


def number(job: Job, name: str) -> float | None:
    """Return an option that is a number, None where it is not given."""
    value = job.params.get(name)
    if value is None:
        return None
    try:
        return float(text(job, name) or "")
    except ValueError:
        raise InvalidRequest(f"{name} {value!r} is not a number") from None


def whole(job: Job, name: str, default: int | None = None) -> int | None:
    """Return an option that is a whole number, `default` where it is not given."""
    value = number(job, name)
    if value is None:
        return default
    if not value.is_integer():
        raise InvalidRequest(f"{name} {value!r} is not a whole number")
    return int(value)


def one_of(name: str, value: object, known: Collection[object], model: str) -> None:
    """Refuse a value that the model does not know."""
    if value not in known:
        listed = ", ".join(sorted(map(str, known)))
        raise InvalidRequest(f"{model} takes no {name} {value!r}, only {listed or 'none'}")


def of_role(job: Job, *roles: MediaRole) -> tuple[InputMedia, ...]:
    """Return the inputs of these roles, in the user's order."""
    return tuple(image for image in job.images if image.role in roles)


def start_and_end(job: Job) -> tuple[InputMedia | None, InputMedia | None]:
    """Return first and last frame. Pictures without a role are taken in order for what is not named."""
    starts, ends = of_role(job, MediaRole.START), of_role(job, MediaRole.END)
    plain = list(of_role(job, MediaRole.IMAGE))
    start = starts[0] if starts else plain.pop(0) if plain else None
    end = ends[0] if ends else plain.pop(0) if plain else None
    if plain or len(starts) > 1 or len(ends) > 1:
        raise InvalidRequest(f"{job.model} takes a first and a last frame, not {len(job.images)} pictures")
    return start, end


def only_roles(job: Job, *roles: MediaRole) -> None:
    """Refuse inputs that would be left aside silently."""
    strangers = {image.role.value for image in job.images if image.role not in roles}
    if strangers:
        raise InvalidRequest(f"{job.model} has no use for inputs as {', '.join(sorted(strangers))}")


def base64_of(image: InputMedia) -> str:
    """Return the bytes of a picture as plain base64, without a ``data:`` prefix."""
    return base64.b64encode(image.data).decode()


def link_to(media: InputMedia) -> str:
    """Return a link that the vendor can fetch.

    Raises:
        InvalidRequest: storage made none, and this vendor takes files in no other way.
    """
    if media.url is None:
        raise InvalidRequest("the vendor takes inputs as links only, and there is no link to this one")
    return media.url


def need_words(job: Job) -> str:
    """Return the prompt, which this model cannot do without."""
    if not job.prompt.strip():
        raise InvalidRequest(f"{job.model} needs a description")
    return job.prompt


def need_something(job: Job) -> None:
    """Refuse a job of neither words nor pictures."""
    if not job.prompt.strip() and not job.images and job.action is None:
        raise InvalidRequest("neither words nor a picture were given")


def need_kind(job: Job, kind: MediaKind) -> None:
    """Refuse a job of the other kind."""
    if job.kind is not kind:
        raise InvalidRequest(f"{job.model} makes {kind.value}s, not {job.kind.value}s")


def identifier(external_id: str) -> str:
    """Return an id as it is put into a path.

    Raises:
        InvalidRequest: it is none of a vendor's: it would lead somewhere else.
    """
    if not _IDENTIFIER.fullmatch(external_id):
        raise InvalidRequest(f"{external_id[:100]!r} is no id of a job")
    return external_id


def refused(words: str) -> bool:
    """Say whether a vendor's words speak of its content rules. Several vendors have no code for that."""
    return _REFUSALS.search(words) is not None


def given_up(words: str) -> ProviderError:
    """Return why a vendor gave up on an accepted job, judged by its words."""
    return ContentBlocked(words) if refused(words) else ProviderUnavailable(words)
