"""A web server with the Mini App's API and people who open it."""

from __future__ import annotations

from tests.core.http.app.conftest import client, max_, mia, sandbox

__all__ = ["client", "max_", "mia", "sandbox"]
