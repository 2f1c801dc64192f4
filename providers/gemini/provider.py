"""The Gemini adapter: one synchronous call per picture, through the SDK's asynchronous client.

The vendor keeps nothing of a call: there is no job to poll, to cancel or to find, so a lost answer stays lost.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING

from providers.base import Failed, Finished, Job, Json, LookupUnsupported, MediaKind, Running, Submitted
from providers.errors import Ambiguous, InvalidRequest, ProviderError, ProviderUnavailable, TimedOut
from providers.gemini import answers, failures, models
from providers.gemini.answers import Answer

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client, types

TIMEOUT_SECONDS = 300.0
CONNECT_SECONDS = 10.0
MOST_PICTURES = 4
ATTEMPTS = 2
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class GeminiProvider:
    """Makes pictures with Google's Gemini Developer API."""

    name = "gemini"

    def __init__(self, api_key: str, *, base_url: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces Google's address, with or without a slash.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        if not _PRINTABLE.fullmatch(api_key):
            raise ValueError("the Gemini API key is empty or holds characters that no key has")
        self._api_key = api_key
        self._base_url = base_url
        self._timeout = timeout
        self._client: Client | None = None
        self._http: httpx2.AsyncClient | None = None

    async def submit(self, job: Job) -> Submitted | Finished:
        """Make the pictures at once, each by a call of its own; some may be missing, all missing is an error."""
        _check(job)
        quantity = _quantity(job.params.get("quantity", 1))
        client = await self._connect()
        outcomes = await asyncio.gather(*(self._make_one(client, job) for _ in range(quantity)))
        media = tuple(answer.media for made in outcomes for answer in made.answers if answer.media is not None)
        if not media:
            raise failures.most_telling(made.failure for made in outcomes if made.failure is not None)
        costs = [answer.cost_usd for made in outcomes for answer in made.answers if answer.cost_usd is not None]
        return Finished(media, sum(costs, Decimal(0)) if costs else None)

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """No job of this vendor is ever left running."""
        return Failed(TimedOut(f"Gemini keeps no jobs, so {external_id} cannot finish"))

    async def cancel(self, external_id: str) -> None:
        """The vendor offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: the vendor knows no ids of ours."""
        raise LookupUnsupported(f"Gemini cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """The vendor sends no webhooks for these calls."""
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        client, http, self._client, self._http = self._client, self._http, None, None
        if client is not None:
            await client.aio.aclose()
            client.close()
        if http is not None:
            await http.aclose()

    async def _make_one(self, client: Client, job: Job) -> _Made:
        """Ask for one picture, and once more if the model stumbled."""
        made: list[Answer] = []
        for _ in range(ATTEMPTS):
            try:
                answer = answers.read(job.model, await self._call(client, job))
            except ProviderError as error:
                return _Made(made, error)
            made.append(answer)
            if not answer.is_stumble:
                break
        return _Made(made, made[-1].refusal)

    async def _call(self, client: Client, job: Job) -> types.GenerateContentResponse:
        import httpx2
        from google.genai import errors
        from pydantic import ValidationError

        contents, config = _contents(job), _config(job)
        try:
            async with asyncio.timeout(self._timeout):
                return await client.aio.models.generate_content(model=job.model, contents=contents, config=config)
        except errors.APIError as error:
            failure = failures.from_status(error.code, error.status, error.message, error.details)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            failure = ProviderUnavailable(f"not connected: {_said(error)}")
        except httpx2.RequestError as error:
            failure = Ambiguous(f"the connection was lost after the request left: {_said(error)}")
        except TimeoutError:
            failure = Ambiguous(f"no answer within {self._timeout:g} s")
        except (ValidationError, ValueError, AttributeError, TypeError) as error:
            # A 200 whose body cannot be read: Google took the request, worked and most likely billed it. What was
            # made is lost; calling it unavailable would let it be repeated and paid for twice.
            failure = Ambiguous(f"the answer cannot be read: {_said(error)}")
        raise self._without_key(failure) from None

    def _without_key(self, failure: ProviderError) -> ProviderError:
        """Return the failure with our key struck out of the vendor's words."""
        failure.detail = failure.detail.replace(self._api_key, "[key]")
        failure.args = (failure.detail,)
        return failure

    async def _connect(self) -> Client:
        """Return the client, made on the first call because importing the SDK takes a second; a thread does that.

        The transport is given, for left alone the SDK would take aiohttp, with which it repeats a request whose
        connection broke after it was sent: a picture paid for twice.
        """
        if self._client is None:
            await asyncio.to_thread(import_module, "google.genai")
        if self._client is None:
            import httpx2
            from google.genai import Client, types

            self._http = httpx2.AsyncClient(transport=_patient_transport())
            options = types.HttpOptions(
                base_url=self._base_url.rstrip("/") if self._base_url else None,
                timeout=round(self._timeout * 1000),
                httpx_async_client=self._http,
            )
            self._client = Client(enterprise=False, api_key=self._api_key, http_options=options)
        return self._client


class _Made:
    """What came of the calls for one picture: answers, and why there is no picture if there is none."""

    __slots__ = ("answers", "failure")

    def __init__(self, made: list[Answer], failure: ProviderError | None) -> None:
        self.answers = made
        self.failure = failure


def _patient_transport() -> httpx2.AsyncHTTPTransport:
    """Return a transport that waits long for an answer and briefly for a connection; the SDK has one value for both."""
    import httpx2

    class Transport(httpx2.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "connect": CONNECT_SECONDS}
            return await super().handle_async_request(request)

    return Transport()


def _check(job: Job) -> None:
    if job.kind is not MediaKind.IMAGE:
        raise InvalidRequest(f"{job.model} makes pictures, not {job.kind.value}s")
    if not job.prompt.strip() and not job.images:
        raise InvalidRequest("neither words nor a picture were given")


def _quantity(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_PICTURES:
        raise InvalidRequest(f"quantity {value!r} is not a number from 1 to {MOST_PICTURES}")
    return value


def _contents(job: Job) -> types.Content:
    from google.genai import types

    words = [types.Part.from_text(text=job.prompt)] if job.prompt.strip() else []
    return types.Content(
        role="user",
        parts=[*words, *(types.Part.from_bytes(data=image.data, mime_type=image.mime) for image in job.images)],
    )


def _config(job: Job) -> types.GenerateContentConfig:
    """Return the options. Text is asked for beside the picture, because a refusal comes as text."""
    from google.genai import types

    ratio, size = job.params.get("aspect_ratio"), job.params.get("image_size")
    image = types.ImageConfig(
        aspect_ratio=str(ratio) if ratio and ratio != "auto" else None,
        image_size=str(size) if size and models.traits(job.model).takes_size else None,
    )
    return types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"],
        image_config=image if image.aspect_ratio or image.image_size else None,
        # The SDK would send follow-up requests of its own, each of them paid for.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
