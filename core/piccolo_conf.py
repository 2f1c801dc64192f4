"""Piccolo's configuration module; `core.migrations` names it to Piccolo."""

from __future__ import annotations

from piccolo.conf.apps import AppRegistry

from core.db import DB

__all__ = ["APP_REGISTRY", "DB"]

APP_REGISTRY = AppRegistry(apps=["core.piccolo_app"])
