"""Tells Piccolo where our tables and migrations are."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

import piccolo_migrations
from core.tables import TABLES

APP_CONFIG = AppConfig(
    app_name="core",
    migrations_folder_path=str(Path(piccolo_migrations.__file__).parent),
    table_classes=[*TABLES],
    migration_dependencies=[],
    commands=[],
)
