"""What Supabase's refusals mean. Most come as HTTP 400 with the true code in the body.

None of their words is passed on, for they may repeat a key or a signed address.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import httpx
from storage3.exceptions import StorageApiError
from storage3.utils import StorageException

from core.storage.base import FileNotStored, StorageError, StorageRefused, StorageUnavailable

PAUSES: Final = (1.0, 2.0, 4.0)
"""Seconds between tries. Everything that is asked may be asked again: a put replaces, a removal removes once."""

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")

_BUSY: Final = frozenset({408, 423, 425, 429})
_REFUSALS: Final = {
    401: ("Unauthorized", "is SUPABASE_SERVICE_ROLE_KEY right?"),
    403: ("AccessDenied", "is SUPABASE_SERVICE_ROLE_KEY right?"),
    409: ("AlreadyExists", ""),
    413: ("EntityTooLarge", "the plan or the bucket takes no file of this size"),
    415: ("InvalidMimeType", "the bucket takes no file of this type"),
}
_OF_A_TOKEN: Final = ("jwt", "jws", "signature")


def error_of(status: int, message: str = "") -> StorageError:
    """Return the error for a status as the body tells it; the message is only looked at."""
    if status == httpx.codes.NOT_FOUND:
        return StorageRefused("NoSuchBucket") if "bucket" in message.lower() else FileNotStored("no such file")
    if status in _BUSY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return StorageUnavailable(f"Supabase answers {status}")
    if status == httpx.codes.BAD_REQUEST and any(word in message.lower() for word in _OF_A_TOKEN):
        status = httpx.codes.FORBIDDEN
    return StorageRefused(*_REFUSALS.get(status, (f"Refused{status}", "")))


async def error_in(response: httpx.Response) -> StorageError:
    """Return the error that an answer tells, in its body or by its status alone."""
    await response.aread()
    try:
        body = response.json()
        return error_of(int(body["statusCode"]), str(body.get("message", "")))
    except (ValueError, KeyError, TypeError):
        return error_of(response.status_code)


@contextmanager
def translated() -> Iterator[None]:
    """Raise our errors in place of the SDK's and the client's."""
    try:
        yield
    except StorageApiError as error:
        status = str(error.status)
        raise error_of(int(status) if status.isdigit() else 500, error.message) from None
    except httpx.HTTPError as error:
        raise StorageUnavailable(f"Supabase cannot be reached: {type(error).__name__}") from None
    except (StorageException, ValueError, KeyError, TypeError) as error:
        # The answer was no answer of Supabase: a proxy's page, most often.
        raise StorageUnavailable(f"Supabase answers something else: {type(error).__name__}") from None


async def again(call: Callable[[], Awaitable[T]], *, sleep: Sleep = asyncio.sleep) -> T:
    """Make a call until it works, or was tried often enough, or would never work.

    Raises:
        StorageError: the last one.
    """
    for seconds in PAUSES:
        try:
            with translated():
                return await call()
        except StorageUnavailable:
            await pause(seconds, sleep)
    with translated():
        return await call()


async def pause(seconds: float, sleep: Sleep) -> None:
    """Wait about that long: those who were refused together shall not come back together."""
    await sleep(seconds * random.uniform(0.8, 1.2))
