"""Runway's adapter keeps what every adapter keeps."""

from __future__ import annotations

from tests.providers.contract import Contract


class TestRunway(Contract):
    """Against the emulated API."""
