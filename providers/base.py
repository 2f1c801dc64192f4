"""The contract between the service and an AI provider.

An adapter turns a `Job` into calls of one vendor's API and its answers into the values below. It holds no state that
matters: a job can be submitted by one process, polled by another and finished by a third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from providers.errors import ProviderError

MOST_USD = 1_000_000
"""No job costs as much: a vendor that says so has said nothing."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class MediaKind(StrEnum):
    """What a model makes."""

    IMAGE = "image"
    VIDEO = "video"
    TEXT = "text"


class MediaRole(StrEnum):
    """What an input is for. A model that knows no roles takes every picture as `IMAGE`."""

    IMAGE = "image"
    START = "start"
    END = "end"
    REFERENCE = "reference"
    MASK = "mask"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class InputMedia:
    """A picture or video that the user gave, already checked by content.

    Attributes:
        data: the bytes of the file.
        mime: the type found by looking at the bytes, such as ``image/jpeg``.
        url: a link that a provider can fetch for at least 24 hours, where the service can be reached from outside.
        role: what it is for; `IMAGE` leaves that to the model and the order.
    """

    data: bytes = field(repr=False)
    mime: str
    url: str | None = field(default=None, repr=False)
    role: MediaRole = MediaRole.IMAGE


class ActionKind(StrEnum):
    """What can be done with a finished job."""

    EXTEND = "extend"
    UPSCALE = "upscale"
    VARY = "vary"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Action:
    """A job made from what another job of the same provider made.

    Attributes:
        parent: the external id of that other job.
        number: which of its results is meant, from 1.
        button: with `BUTTON`, the vendor's own label, one of `Finished.actions` of the parent.
    """

    kind: ActionKind
    parent: str
    number: int = 1
    button: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be made.

    Attributes:
        client_id: our own id of the job, unique for ever; sent along where the vendor keeps one, so that a job whose
            answer was lost can be found again.
        model: the vendor's name of the model.
        kind: what the model makes.
        prompt: the user's words.
        images: inputs in the user's order, empty for text-only jobs.
        params: options, validated against the model's schema; their names are the catalogue's.
        action: what to do with an earlier job, where this one is made from it.
        callback_url: where the vendor may tell that something changed; its path is a secret.
    """

    client_id: str
    model: str
    kind: MediaKind
    prompt: str
    images: tuple[InputMedia, ...] = ()
    params: Mapping[str, Json] = field(default_factory=dict)
    action: Action | None = None
    callback_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """A finished picture or video: either its bytes or a link that is fetched at once, never both.

    Attributes:
        mime: the type that the vendor declares; the service looks at the bytes itself.
        headers: what the link demands, such as authorization.
    """

    mime: str
    data: bytes | None = field(default=None, repr=False)
    url: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The vendor accepted the job and will finish it later."""

    external_id: str
    poll_after: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Running:
    """The job is not finished. `progress` is a share from 0 to 1 where the vendor tells one."""

    progress: float | None = None
    poll_after: timedelta = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Finished:
    """The job made these.

    Attributes:
        cost_usd: what the vendor reports that it cost us, where it does.
        actions: labels of the buttons that the vendor offers for this very job.
        is_continuation: with `ActionKind.EXTEND`, the film is only what was added and has to be joined to the first.
        blocked: results that the vendor made, or would have made, and withheld for their content.
    """

    media: tuple[Media, ...]
    cost_usd: Decimal | None = None
    actions: tuple[str, ...] = ()
    is_continuation: bool = False
    blocked: int = 0

    def __post_init__(self) -> None:
        """Let go of a cost that cannot be one: counted from a vendor's figures, it must not cost the result."""
        if self.cost_usd is not None and not (self.cost_usd.is_finite() and 0 <= self.cost_usd < MOST_USD):
            object.__setattr__(self, "cost_usd", None)


@dataclass(frozen=True, slots=True)
class Failed:
    """The vendor accepted the job and later gave up on it."""

    error: ProviderError


class LookupUnsupported(Exception):
    """The vendor has no way to find a job by our id."""


@runtime_checkable
class Provider(Protocol):
    """One vendor's API.

    `submit`, `poll`, `cancel` and `find` raise a `ProviderError` for what the vendor or the network answered; any other
    exception is a defect of the adapter. Every call has a time limit of its own.
    """

    name: str

    async def submit(self, job: Job) -> Submitted | Finished:
        """Hand the job over.

        Raises:
            Ambiguous: the request left and no answer came back.
            ProviderError: the request was certainly not accepted.
        """
        ...

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """Ask how the job stands. An error raised here says nothing of the job itself."""
        ...

    async def cancel(self, external_id: str) -> None:
        """Ask the vendor to stop; does nothing where it offers no way."""
        ...

    async def find(self, client_id: str) -> str | None:
        """Return the external id of the job that we submitted as `client_id`, None if the vendor never accepted it.

        Raises:
            LookupUnsupported: the vendor cannot tell.
        """
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the external id that a webhook speaks of, if any. The status is then polled, not believed."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
