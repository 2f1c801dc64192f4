"""Calls through google-genai: every request is sent once, within a time limit, and fails in our own classes.

Left alone the SDK would repeat a request whose connection broke after it was sent: a picture paid for twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from providers.errors import Ambiguous, ProviderError, ProviderUnavailable
from providers.google import failures
from providers.google.account import ServiceAccount

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client
    from google.genai.client import AsyncClient

CONNECT_SECONDS = 10.0
MOST_AT_ONCE = 500
"""Connections of one client. A picture holds one for half a minute, so the transport's own 100 would be a queue."""

KEPT_OPEN = 50
VERSION, VERTEX_VERSION = "v1", "v1beta1"

R = TypeVar("R")
Send = Callable[["AsyncClient"], Awaitable[R]]


class Sdk:
    """One client of google-genai, made on the first call because importing it takes a second.

    With `api_key` it speaks to the Developer API, with `account` to Vertex ("Agent Platform") and to nothing else.
    """

    def __init__(
        self,
        *,
        timeout: float,
        base_url: str | None = None,
        api_key: str | None = None,
        account: ServiceAccount | None = None,
        project: str | None = None,
        location: str | None = None,
    ) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces Google's address, with or without a slash."""
        assert (api_key is None) != (account is None), "exactly one way to be known"
        self.timeout = timeout
        self._base_url = base_url.rstrip("/") if base_url else None
        self._api_key = api_key
        self._account = account
        self._project = project
        self._location = location
        self._client: Client | None = None
        self._http: httpx2.AsyncClient | None = None

    async def order(self, send: Send[R], *, timeout: float | None = None) -> R:
        """Make a call that costs something.

        Raises:
            Ambiguous: it left, and no answer came back that says what became of it.
            ProviderError: it was certainly not accepted.
        """
        return await self._call(send, timeout or self.timeout, lost=Ambiguous)

    async def ask(self, send: Send[R], *, timeout: float | None = None) -> R:
        """Make a call that may be repeated at will.

        Raises:
            ProviderError: what Google or the network answered.
        """
        return await self._call(send, timeout or self.timeout, lost=ProviderUnavailable)

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        client, http, self._client, self._http = self._client, self._http, None, None
        if client is not None:
            await client.aio.aclose()
            client.close()
        if http is not None:
            await http.aclose()

    def without_secrets(self, failure: ProviderError) -> ProviderError:
        """Return the failure with our key and tokens struck out of Google's words."""
        secrets = (self._api_key,) if self._api_key else self._account.secrets if self._account else ()
        return failures.without(failure, secrets)

    async def _call(self, send: Send[R], timeout: float, *, lost: type[ProviderError]) -> R:
        """Send, and once more with a new token where Google refused the old one: it looked at nothing else."""
        try:
            try:
                return await self._send(send, timeout, lost)
            except _TokenRefused as refused:
                if self._account is None:
                    raise
                self._account.renew(refused.token)
                return await self._send(send, timeout, lost)
        except _TokenRefused as refused:
            raise self.without_secrets(refused.failure) from None
        except ProviderError as failure:
            raise self.without_secrets(failure) from None

    async def _send(self, send: Send[R], timeout: float, lost: type[ProviderError]) -> R:
        token = await self._account.token() if self._account else None
        client = await self._connect()

        import httpx2
        from google.genai import errors
        from pydantic import ValidationError

        try:
            async with asyncio.timeout(timeout):
                return await send(client.aio)
        except errors.APIError as error:
            failure = failures.from_status(error.code, error.status, error.message, error.details)
            if error.code == 401:
                raise _TokenRefused(failure, token) from None
            if isinstance(failure, Ambiguous):
                failure = lost(failure.detail)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            failure = ProviderUnavailable(f"not connected: {_said(error)}")
        except httpx2.RequestError as error:
            failure = lost(f"the connection was lost after the request left: {_said(error)}")
        except TimeoutError:
            failure = lost(f"no answer within {timeout:g} s")
        except (ValidationError, ValueError, AttributeError, TypeError, LookupError, RecursionError) as error:
            # A 200 whose body cannot be read: Google took the request, worked and most likely billed it. What was
            # made is lost; calling it unavailable would let it be repeated and paid for twice.
            failure = lost(f"the answer cannot be read: {_said(error)}")
        raise failure from None

    async def _connect(self) -> Client:
        """Return the client; the transport is given, for the SDK's own choice repeats requests silently."""
        if self._client is None:
            await asyncio.to_thread(import_module, "google.genai")
            credentials = await self._account.credentials() if self._account else None
        if self._client is None:
            import httpx2
            from google.genai import Client, types

            self._http = httpx2.AsyncClient(transport=_patient_transport())
            options = types.HttpOptions(
                base_url=self._base_url,
                api_version=VERTEX_VERSION if self._account else VERSION,
                timeout=round(self.timeout * 1000),
                httpx_async_client=self._http,
            )
            if self._account is None:
                self._client = Client(enterprise=False, api_key=self._api_key, http_options=options)
            else:
                self._client = Client(
                    enterprise=True,
                    credentials=credentials,
                    project=self._project or self._account.project,
                    location=self._location,
                    http_options=options,
                )
        return self._client


class _TokenRefused(Exception):
    """Google did not take the token or key."""

    def __init__(self, failure: ProviderError, token: str | None) -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.token = token


def _patient_transport() -> httpx2.AsyncHTTPTransport:
    """Return a transport that waits long for an answer and briefly for a connection; the SDK has one value for both."""
    import httpx2

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "connect": CONNECT_SECONDS}
            return await super().handle_async_request(request)

    return Transport(limits=httpx2.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=KEPT_OPEN))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
