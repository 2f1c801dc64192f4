"""The official SDK's client, as both of OpenAI's services use it: never retrying, never redirected, opened late."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from providers.openai.failures import classify
from providers.sdk import Sdk, limits

if TYPE_CHECKING:
    from openai import AsyncOpenAI

BASE_URL = "https://api.openai.com/v1"


class OpenAiClient:
    """One account. Opens its connections on the first call and again after `close`."""

    def __init__(
        self, api_key: str, *, base_url: str | None, timeout: float, organization: str | None, project: str | None
    ) -> None:
        """`timeout` is in seconds and for one whole call; `base_url` replaces OpenAI's address, ``/v1`` included.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        self.base_url = (base_url or BASE_URL).rstrip("/")
        self.calls = Sdk("openai", "httpx2", classify=classify, secrets=[api_key], timeout=timeout)
        self._api_key = api_key
        self._timeout = timeout
        self._organization = organization
        self._project = project
        self._client: AsyncOpenAI | None = None

    def headers(self) -> dict[str, str]:
        """Return what a link of this account demands."""
        told = {"OpenAI-Organization": self._organization, "OpenAI-Project": self._project}
        return {"Authorization": f"Bearer {self._api_key}", **{name: value for name, value in told.items() if value}}

    async def connect(self) -> AsyncOpenAI:
        """Return the SDK's client, made on the first call."""
        if self._client is None:
            sdk, transport = await self.calls.load()
            if self._client is None:
                self._client = self._open(sdk, transport)
        return self._client

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open(self, sdk: ModuleType, transport: ModuleType) -> AsyncOpenAI:
        client: AsyncOpenAI = sdk.AsyncOpenAI(
            api_key=self._api_key,
            organization=self._organization,
            project=self._project,
            base_url=self.base_url,
            # A request that was repeated after a broken connection would be paid for twice.
            max_retries=0,
            http_client=transport.AsyncClient(**limits(transport, self._timeout)),
        )
        return client
