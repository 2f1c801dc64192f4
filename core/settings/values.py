"""Forms of values that several settings have: addresses and keys."""

from __future__ import annotations

import re

from pydantic import AnyHttpUrl, SecretStr, ValidationError

ALLOWED_IN_KEY = re.compile(r"[\x21-\x7e]+")


def base_url(value: str | None) -> str | None:
    """Return an address without a slash at its end.

    Raises:
        ValueError: it is none of the web.
    """
    if value is None:
        return None
    try:
        AnyHttpUrl(value)
    except ValidationError:
        raise ValueError("an address of the web starts with https:// or http:// and names a host") from None
    return value.rstrip("/")


def key(value: SecretStr | None) -> SecretStr | None:
    """Refuse at the start what an adapter would refuse at its first call, which may be hours later.

    Raises:
        ValueError: it cannot stand in a header.
    """
    if value is not None and not ALLOWED_IN_KEY.fullmatch(value.get_secret_value()):
        raise ValueError("a key has no spaces, line breaks or letters other than English ones")
    return value
