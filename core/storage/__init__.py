"""Where pictures and videos are kept: one interface, over a folder of this machine or over Supabase."""

from __future__ import annotations

from core.settings import Settings
from core.storage.base import (
    LONGEST_LINK,
    FileNotStored,
    Source,
    Storage,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StoredFile,
    UploadTicket,
)
from core.storage.links import Links
from core.storage.local import LocalStorage

__all__ = [
    "LONGEST_LINK",
    "FileNotStored",
    "Links",
    "Source",
    "Storage",
    "StorageError",
    "StorageRefused",
    "StorageUnavailable",
    "StoredFile",
    "UploadTicket",
    "connect",
    "disconnect",
    "storage",
]

_storage: Storage | None = None


async def connect(settings: Settings) -> None:
    """Open the storage that the settings name."""
    global _storage
    url, key = settings.supabase_url, settings.supabase_service_role_key
    if url is None or key is None:
        _storage = LocalStorage(settings.media_path, Links(settings))
        return
    from core.storage.supabase import SupabaseStorage

    _storage = opened = SupabaseStorage(
        url,
        key.get_secret_value(),
        bucket=settings.supabase_bucket,
        video_bucket=settings.supabase_video_bucket,
    )
    await opened.prepare()


async def disconnect() -> None:
    """Close the storage."""
    global _storage
    closing, _storage = _storage, None
    if closing is not None:
        await closing.close()


def storage() -> Storage:
    """Return the storage of this process."""
    if _storage is None:
        raise RuntimeError("Storage is used before core.storage.connect")
    return _storage
