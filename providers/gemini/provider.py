"""The Gemini adapters: synchronous calls through the SDK, to the Developer API or to Vertex, never to both.

Google keeps nothing of a call: there is no job to poll, to cancel or to find, so a lost answer stays lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from providers.base import Failed, Finished, Job, LookupUnsupported, MediaKind, Running, Submitted
from providers.errors import InvalidRequest, TimedOut
from providers.gemini import analysis, pictures
from providers.gemini.files import LOOK_EVERY, Files, Inline, Staged
from providers.google.account import ServiceAccount
from providers.google.sdk import Sdk

TIMEOUT_SECONDS = 300.0
LOCATION = "global"
_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class _Gemini:
    """What both ways have in common: models, bodies, answers."""

    name = ""

    def __init__(self, sdk: Sdk, files: Inline) -> None:
        self._sdk = sdk
        self._files = files

    async def submit(self, job: Job) -> Submitted | Finished:
        """Make what is ordered at once. Of several pictures some may be missing, all missing is an error."""
        if job.kind is MediaKind.IMAGE:
            return await pictures.make(self._sdk, job)
        if job.kind is MediaKind.TEXT:
            return await analysis.describe(self._sdk, self._files, job)
        raise InvalidRequest(f"{job.model} makes pictures and texts, not {job.kind.value}s")

    async def poll(self, external_id: str) -> Running | Finished | Failed:
        """No job of these services is ever left running."""
        return Failed(TimedOut(f"Gemini keeps no jobs, so {external_id} cannot finish"))

    async def cancel(self, external_id: str) -> None:
        """Google offers no way."""

    async def find(self, client_id: str) -> str | None:
        """Raise `LookupUnsupported`: Google knows no ids of ours."""
        raise LookupUnsupported(f"Gemini cannot tell what became of {client_id}")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> str | None:  # noqa: ARG002 - the contract's names
        """Google sends no webhooks for these calls."""
        return None

    async def close(self) -> None:
        """Close connections; a later call opens new ones."""
        await self._sdk.close()
        await self._files.close()


class GeminiProvider(_Gemini):
    """Makes pictures and describes media with Google's Gemini Developer API."""

    name = "gemini"

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        look_every: float = LOOK_EVERY,
    ) -> None:
        """`timeout` is in seconds and for one call; `base_url` replaces Google's address, with or without a slash.

        `look_every` is how many seconds pass between two looks at an uploaded file that is not ready.

        Raises:
            ValueError: the key cannot be sent in a header.
        """
        if not _PRINTABLE.fullmatch(api_key):
            raise ValueError("the Gemini API key is empty or holds characters that no key has")
        sdk = Sdk(timeout=timeout, base_url=base_url, api_key=api_key)
        super().__init__(sdk, Files(sdk, look_every=look_every))


class VertexProvider(_Gemini):
    """Makes pictures and describes media with the same models on Vertex ("Agent Platform"), and nowhere else."""

    name = "vertex"

    def __init__(
        self,
        account: ServiceAccount,
        *,
        project: str | None = None,
        location: str = LOCATION,
        base_url: str | None = None,
        staging: str | None = None,
        storage_url: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        """`timeout` is in seconds and for one call; the newest image models are served in ``global`` only.

        Media that are too large for a request go through `staging`, ``gs://bucket/folder``; without one they are
        refused.

        Raises:
            ValueError: `staging` names no bucket.
        """
        sdk = Sdk(timeout=timeout, base_url=base_url, account=account, project=project, location=location)
        super().__init__(sdk, _files(account, staging, storage_url))


def _files(account: ServiceAccount, staging: str | None, storage_url: str | None) -> Inline:
    if staging is None:
        return Inline()
    from providers.google.bucket import Bucket

    return Staged(Bucket(account, staging, base_url=storage_url))
