"""Sora's adapter keeps what every adapter keeps."""

from __future__ import annotations

from tests.providers.contract import Contract


class TestSora(Contract):
    """Against the emulated videos API."""
