"""What a token of the ops API looks like, how one is made, and what of it is kept. Imports nothing of ours: `nb` makes
tokens, too, and the service then sees their hash alone.
"""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "nbk_"
SECRET_BYTES = 32
SHOWN_CHARACTERS = 12
"""First characters, by which a token is recognised: the prefix and eight of its 43."""

FORM = re.compile(r"nbk_[A-Za-z0-9_-]{43}")


def new() -> str:
    """A token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def shown(token: str) -> str:
    """The part that lists show."""
    return token[:SHOWN_CHARACTERS]


def hashed(token: str) -> str:
    """What is kept. A plain hash is enough: the token has 256 random bits, there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()
