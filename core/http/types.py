"""Names for Sanic's generic types as we use them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TypeAlias

from sanic import Sanic
from sanic.config import Config

App: TypeAlias = Sanic[Config, SimpleNamespace]
"""The web application. `ctx` holds settings, version and what blueprints put there when the server starts."""
