"""Veo keeps what every adapter keeps."""

from __future__ import annotations

from tests.providers.contract import Contract


class TestVeo(Contract):
    """All of it."""
