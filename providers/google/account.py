"""The service account that Google Cloud knows us by: reads its key and gets tokens for it with google-auth.

google-auth is imported when the first token is asked for; reading and checking the key needs the standard library only.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from providers.errors import AuthFailed, ProviderUnavailable

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_SECONDS = 10.0
REMEMBERED_TOKENS = 4
_NEEDED = ("project_id", "client_email", "private_key", "token_uri")
_PEM = re.compile(r"-----BEGIN (?:RSA )?PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{64,}-----END (?:RSA )?PRIVATE KEY-----\s*")


class ServiceAccount:
    """One service account. Its tokens live an hour; a new one is fetched when the old one is about to end."""

    def __init__(self, info: Mapping[str, object], *, timeout: float = TOKEN_SECONDS) -> None:
        """`info` is the key as Google hands it out; `timeout` is in seconds and for one request of a token.

        Raises:
            ValueError: it is not the key of a service account. Nothing of it is shown.
        """
        missing = [name for name in _NEEDED if not isinstance(info.get(name), str) or not info[name]]
        if info.get("type") != "service_account" or missing:
            lacks = f": it lacks {', '.join(missing)}" if missing else ""
            raise ValueError(f"this is not the key of a service account{lacks}")
        if not _PEM.fullmatch(str(info["private_key"])):
            raise ValueError("the private key of the service account is no key in PEM")
        self.project = str(info["project_id"])
        self._info = dict(info)
        self._timeout = timeout
        self._credentials: Credentials | None = None
        self._tokens: deque[str] = deque(maxlen=REMEMBERED_TOKENS)
        self._lock = asyncio.Lock()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a key from its JSON, the base64 of that, or the path of a file that holds it.

        Raises:
            ValueError: it is none of these. Nothing of the text is shown.
        """
        return cls(_document(text))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what must not be seen in a log: the latest tokens, and the key that they are made from."""
        return (*self._tokens, str(self._info["private_key"]))

    async def token(self) -> str:
        """Return a token that is good for the next minutes.

        Raises:
            AuthFailed: Google does not accept the key.
            ProviderUnavailable: the service that hands tokens out cannot be asked.
        """
        credentials = await self.credentials()
        return str(credentials.token)

    async def credentials(self) -> Credentials:
        """Return credentials with a token that is good for the next minutes, as the SDK wants them.

        Raises:
            AuthFailed, ProviderUnavailable: as `token`.
        """
        async with self._lock:
            if self._credentials is None:
                self._credentials = await asyncio.to_thread(self._load)
            if not self._credentials.valid:
                await asyncio.to_thread(self._refresh, self._credentials)
                self._tokens.append(str(self._credentials.token))
            return self._credentials

    def renew(self, token: object) -> None:
        """Forget a token that was refused although its time is not over."""
        if self._credentials is not None and self._credentials.token == token:
            self._credentials.token = None

    def _load(self) -> Credentials:
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2.service_account import Credentials

        try:
            made: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                self._info, scopes=[SCOPE]
            )
        except (ValueError, GoogleAuthError):
            # What these say may hold parts of the key.
            raise AuthFailed("the private key of the service account cannot be read") from None
        return made

    def _refresh(self, credentials: Credentials) -> None:
        from google.auth.exceptions import GoogleAuthError, RefreshError
        from google.auth.transport.requests import Request

        try:
            credentials.refresh(partial(Request(), timeout=self._timeout))  # type: ignore[no-untyped-call]
        except RefreshError as error:
            said = f"no token: {error.args[0] if error.args else error}"[:500]
            raise (ProviderUnavailable(said) if error.retryable else AuthFailed(said)) from None
        except (GoogleAuthError, ValueError) as error:
            raise ProviderUnavailable(f"no token: {type(error).__name__}: {error}"[:500]) from None


def _document(text: str) -> Mapping[str, object]:
    text = text.strip()
    if not text.startswith("{"):
        text = _decoded(text) or _file(text)
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ValueError("this is neither the JSON key of a service account, nor its base64, nor a file that holds it")
    return document


def _decoded(text: str) -> str:
    try:
        found = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return found if found.lstrip().startswith("{") else ""


def _file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, ValueError):
        return ""
