"""Calls of a vendor's HTTP API with plain httpx: time limits, lost answers, unreadable answers, keys kept secret.

What a status or a code in the body means differs by vendor; each adapter says so with a function `classify`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Annotated, TypedDict, TypeVar, Unpack

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from providers.base import Json
from providers.connections import Connections
from providers.errors import LONGEST_PAUSE, Ambiguous, ProviderError, ProviderUnavailable

TIMEOUT_SECONDS = 60.0
LONGEST_DETAIL = 2000
LARGEST_ANSWER = 8 * 1024 * 1024
SHORTEST_SECRET = 8
LOST_ON_THE_WAY = frozenset({408, 499, 504, 524})
"""Statuses of a server that gave up waiting: what it was waiting for may have been done."""

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SIGNED = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
"""A token that is made from a key, and good for a while without it."""

_SECONDS = re.compile(r"[0-9]+")


class Answer(BaseModel):
    """A document of a vendor. Fields nobody reads are left alone: vendors add some without telling."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


A = TypeVar("A", bound=Answer)
T = TypeVar("T")


def _or_nothing(value: object, read: ValidatorFunctionWrapHandler) -> object:
    try:
        return read(value)
    except ValidationError:
        return None


Aside = Annotated[T | None, WrapValidator(_or_nothing)]
"""What is told beside the matter, such as progress: where it cannot be read, the answer is worth no less."""

Units = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
"""Credits or units that a job took."""

ExternalId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@+-]{0,299}$")]
"""A vendor's id of a job, which can be kept and asked for: `providers.options.identifier` lets it pass."""


class Request(TypedDict, total=False):
    """The parts of a request, named as httpx names them."""

    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: object
    content: bytes
    data: Mapping[str, object]
    files: Sequence[tuple[str, tuple[str | None, bytes, str | None]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, before anybody judged it."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """True with a status of 200 to 299."""
        return 200 <= self.status < 300

    @property
    def said(self) -> str:
        """Status and body for the log."""
        return f"{self.status}: {self.content[:LONGEST_DETAIL].decode(errors='replace')}"

    @property
    def retry_after(self) -> timedelta | None:
        """The pause that the Retry-After header asks for, in seconds or until a date."""
        return _pause(self.headers.get("retry-after", ""))

    def read(self, shape: type[A]) -> A:
        """Return the document in the body.

        Raises:
            ValueError: it is no JSON or of another shape.
        """
        return shape.model_validate_json(self.content)

    def try_to_read(self, shape: type[A]) -> A | None:
        """Return the document in the body, None where it is no JSON or of another shape."""
        try:
            return self.read(shape)
        except ValidationError:
            return None


class HttpApi:
    """One vendor's API. Opens its connections on the first call and again after `close`."""

    def __init__(
        self,
        base_url: str,
        *,
        classify: Callable[[Reply], ProviderError | None],
        headers: Callable[[], Mapping[str, str]],
        secrets: Iterable[str],
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """`timeout` is in seconds and for one whole call.

        `classify` returns the failure that a reply stands for, `Ambiguous` where the vendor does not say itself whether
        it did what was asked; of a question that is asked again anyway, that becomes `ProviderUnavailable`.

        Raises:
            ValueError: a secret cannot be sent in a header.
        """
        self._secrets = tuple(secrets)
        if not all(_PRINTABLE.fullmatch(secret) for secret in self._secrets):
            raise ValueError("a key is empty or holds characters that no key has")
        self.base_url = base_url.rstrip("/")
        self._classify = classify
        self._headers = headers
        self._timeout = timeout
        self._connections = Connections(timeout)

    async def order(self, path: str, shape: type[A], *, hidden: str | None = None, **request: Unpack[Request]) -> A:
        """Send a request that costs something. It is sent once; `hidden` is struck out of errors as our keys are.

        Raises:
            Ambiguous: it left, and no answer came back that says what became of it.
            ProviderError: it was certainly not accepted.
        """
        return await self._call("POST", path, shape, request, lost=Ambiguous, hidden=hidden)

    async def ask(self, path: str, shape: type[A], *, method: str = "GET", **request: Unpack[Request]) -> A:
        """Send a request that may be repeated at will.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        return await self._call(method, path, shape, request, lost=ProviderUnavailable, hidden=None)

    async def look(
        self, path: str, shape: type[A], *, absent: Collection[int] = (404,), **request: Unpack[Request]
    ) -> A | None:
        """Ask for something that may not be there, which the statuses in `absent` say.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        try:
            return await self._call("GET", path, shape, request, lost=ProviderUnavailable, hidden=None, absent=absent)
        except _Absent:
            return None

    async def tell(self, method: str, path: str, **request: Unpack[Request]) -> None:
        """Send a request whose answer has nothing to read; what is told may be gone already.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        try:
            await self._call(
                method, path, Answer, request, lost=ProviderUnavailable, hidden=None, absent=(404, 410), is_read=False
            )
        except _Absent:
            return

    async def close(self) -> None:
        """Close connections."""
        await self._connections.close()

    async def _call(
        self,
        method: str,
        path: str,
        shape: type[A],
        request: Request,
        *,
        lost: type[ProviderError],
        hidden: str | None,
        absent: Collection[int] = (),
        is_read: bool = True,
    ) -> A:
        try:
            reply = await self._send(method, path, request, lost)
            if reply.status in absent:
                raise _Absent
            failure = self._classify(reply)
            if failure is None:
                return reply.read(shape) if is_read else shape.model_construct()
            if reply.status in LOST_ON_THE_WAY or isinstance(failure, Ambiguous):
                failure = lost(failure.detail)
        except ProviderError as error:
            failure = error
        except ValidationError as error:
            # The vendor took the request and said something that we cannot read: the outcome is not known.
            failure = lost(f"the answer cannot be read: {error.error_count()} problems, first {_first(error)}")
        # The chain is cut: what httpx raised holds the request with its headers.
        raise self._without_secrets(failure, hidden) from None

    async def _send(self, method: str, path: str, request: Request, lost: type[ProviderError]) -> Reply:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(method, path, request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            raise ProviderUnavailable(f"not connected: {_said(error)}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise lost(f"the connection was lost after the request left: {_said(error)}") from None
        except TimeoutError:
            raise lost(f"no answer within {self._timeout:g} s") from None
        except _TooLong:
            raise lost(f"the answer is longer than {LARGEST_ANSWER} bytes") from None

    async def _exchange(self, method: str, path: str, request: Request) -> Reply:
        headers = {**self._headers(), **request.get("headers", {})}
        with self._connections.client() as client:
            async with client.stream(
                method,
                f"{self.base_url}{path}",
                headers=headers,
                params=request.get("params"),
                json=request.get("json"),
                content=request.get("content"),
                data=request.get("data"),
                files=request.get("files"),
            ) as response:
                return Reply(response.status_code, dict(response.headers), await _body(response))

    def _without_secrets(self, failure: ProviderError, hidden: str | None) -> ProviderError:
        detail = _SIGNED.sub("[token]", failure.detail)
        for secret in (*self._secrets, *_parts(hidden)):
            detail = detail.replace(secret, "[key]")
        failure.detail = detail[:LONGEST_DETAIL]
        failure.args = (failure.detail,)
        return failure


class _Absent(Exception):
    """What was asked for is not there."""


class _TooLong(Exception):
    """The answer does not end."""


async def _body(response: httpx.Response) -> bytes:
    pieces, size = [], 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > LARGEST_ANSWER:
            raise _TooLong
        pieces.append(piece)
    return b"".join(pieces)


def _pause(value: str) -> timedelta | None:
    if _SECONDS.fullmatch(value.strip()):
        return min(timedelta(seconds=int(value.strip()[:9])), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        return None
    return min(max(moment - datetime.now(UTC), timedelta(0)), LONGEST_PAUSE)


def _parts(address: str | None) -> tuple[str, ...]:
    """Return an address and the secret at its end, which may be told without the rest."""
    secret = (address or "").rpartition("/")[2]
    return tuple(part for part in (address, secret) if part and len(part) >= SHORTEST_SECRET)


def _first(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def parse_webhook(body: bytes, shape: type[A]) -> A | None:
    """Return the document of a webhook, None for anything else that somebody sent."""
    if len(body) > LARGEST_ANSWER:
        return None
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        return None


def without_nothing(**fields: Json) -> dict[str, Json]:
    """Return the fields that have a value: vendors refuse null where a field may be left out."""
    return {name: value for name, value in fields.items() if value is not None}
