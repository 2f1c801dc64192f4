"""Calls through a vendor's generated SDK (OpenAI, Runway): time limits, lost answers, keys kept out of errors.

It does for an SDK what `providers.http` does for plain httpx, with the same `classify`. An SDK is imported at the first
call, in a thread: that takes a second.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, TypeVar, runtime_checkable

from providers.errors import Ambiguous, ProviderError, ProviderUnavailable
from providers.http import LONGEST_DETAIL, LOST_ON_THE_WAY, Answer, Reply

CONNECT_SECONDS = 10.0
MOST_CONNECTIONS = 1000
SHORT_ANSWER = 64 * 1024
_PRINTABLE = re.compile(r"[\x21-\x7e]+")

A = TypeVar("A", bound=Answer)
T = TypeVar("T")


class _Response(Protocol):
    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


@runtime_checkable
class Raw(Protocol):
    """An answer that the SDK has fetched and not read."""

    @property
    def http_response(self) -> _Response:
        """The transport's answer."""
        ...


class Sdk:
    """One vendor's SDK and the transport under it."""

    def __init__(
        self,
        name: str,
        transport: str,
        *,
        classify: Callable[[Reply], ProviderError | None],
        secrets: Iterable[str],
        timeout: float,
    ) -> None:
        """`name` and `transport` are modules; `timeout` is in seconds and for one whole call.

        Raises:
            ValueError: a secret cannot be sent in a header.
        """
        self._secrets = tuple(secrets)
        if not all(_PRINTABLE.fullmatch(secret) for secret in self._secrets):
            raise ValueError("a key is empty or holds characters that no key has")
        self._name = name
        self._transport = transport
        self._classify = classify
        self._timeout = timeout

    async def load(self) -> tuple[ModuleType, ModuleType]:
        """Import and return the SDK and its transport."""
        sdk = await asyncio.to_thread(import_module, self._name)
        return sdk, import_module(self._transport)

    async def order(self, call: Awaitable[object], shape: type[A]) -> A:
        """Await a call that costs something. It is sent once.

        Raises:
            Ambiguous: it left, and no answer came back that says what became of it.
            ProviderError: it was certainly not accepted.
        """
        return await self._run(_read(call, shape), Ambiguous)

    async def ask(self, call: Awaitable[object], shape: type[A]) -> A:
        """Await a call that may be repeated at will.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        return await self._run(_read(call, shape), ProviderUnavailable)

    async def look(self, call: Awaitable[object], shape: type[A]) -> A | None:
        """Await a question for something that may not be there, which 404 and 410 say.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        try:
            return await self._run(_read(call, shape), ProviderUnavailable, may_be_absent=True)
        except _Absent:
            return None

    async def tell(self, call: Awaitable[T]) -> T | None:
        """Await a call whose answer the SDK reads itself; None where what is told of is gone already.

        Raises:
            ProviderError: what the vendor or the network answered.
        """
        try:
            return await self._run(call, ProviderUnavailable, may_be_absent=True)
        except _Absent:
            return None

    async def _run(self, call: Awaitable[T], lost: type[ProviderError], *, may_be_absent: bool = False) -> T:
        sdk, transport = import_module(self._name), import_module(self._transport)
        try:
            async with asyncio.timeout(self._timeout):
                return await call
        except sdk.APIStatusError as error:
            if may_be_absent and error.status_code in (404, 410):
                raise _Absent from None
            failure = self._judged(error.response, lost)
        except (sdk.APIConnectionError, transport.HTTPError) as error:
            failure = _unconnected(error, transport, lost)
        except TimeoutError:
            failure = lost(f"no answer within {self._timeout:g} s")
        except (ValueError, RecursionError) as error:
            # The vendor took the request and said something that nobody can read: the outcome is not known.
            failure = lost(f"the answer cannot be read: {type(error).__name__}")
        # The chain is cut: what the SDK raised holds the request with its headers.
        raise self._without_secrets(failure) from None

    def _judged(self, response: _Response, lost: type[ProviderError]) -> ProviderError:
        reply = Reply(response.status_code, dict(response.headers), response.content)
        failure = self._classify(reply) or ProviderUnavailable(reply.said)
        if reply.status in LOST_ON_THE_WAY or isinstance(failure, Ambiguous):
            return lost(failure.detail)
        return failure

    def _without_secrets(self, failure: ProviderError) -> ProviderError:
        for secret in self._secrets:
            failure.detail = failure.detail.replace(secret, "[key]")
        failure.detail = failure.detail[:LONGEST_DETAIL]
        failure.args = (failure.detail,)
        return failure


class _Absent(Exception):
    """What was asked for is not there."""


async def _read(call: Awaitable[object], shape: type[A]) -> A:
    """Read an answer, or take over field by field what the SDK has read: it checks nothing of that."""
    answer = await call
    if not isinstance(answer, Raw):
        return shape.model_validate(answer, from_attributes=True)
    content = answer.http_response.content
    if len(content) < SHORT_ANSWER:
        return shape.model_validate_json(content)
    # In a thread: pictures come as base64 of many megabytes, and all other jobs would wait.
    return await asyncio.to_thread(shape.model_validate_json, content)


def limits(transport: ModuleType, timeout: float) -> dict[str, Any]:
    """Return the options of a client of this transport.

    Redirects are not followed: they would carry our key to wherever they lead. A connection stands soon or never,
    whatever time the answer may take.
    """
    return {
        "timeout": transport.Timeout(timeout, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        "limits": transport.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=20),
        "follow_redirects": False,
    }


def _unconnected(error: BaseException, transport: ModuleType, lost: type[ProviderError]) -> ProviderError:
    """Tell a request that never left from one whose answer was lost; the SDK has one class for both."""
    cause = error.__cause__ or error
    said = f"{type(cause).__name__}: {cause}"[:500]
    before = (transport.ConnectError, transport.ConnectTimeout, transport.PoolTimeout, transport.UnsupportedProtocol)
    if isinstance(cause, before):
        return ProviderUnavailable(f"not connected: {said}")
    return lost(f"the connection was lost after the request left: {said}")
