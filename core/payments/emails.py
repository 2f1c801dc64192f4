"""E-mail addresses of people who pay: what counts as one, and how one is shown."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 254

_ADDRESS: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


class NotAnEmail(Exception):
    """The text is no address that a receipt could be sent to."""


def clean(text: str) -> str:
    """Return an address as it is kept: without spaces around it, in lower case.

    Raises:
        NotAnEmail: see there.
    """
    address = text.strip().lower()
    if len(address) > LONGEST or ".." in address or not _ADDRESS.fullmatch(address):
        raise NotAnEmail
    return address


def masked(address: str) -> str:
    """Return what may be shown of an address: enough to recognise one's own."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
