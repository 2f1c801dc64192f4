"""The catalogue: which models there are, what they take, and what they cost."""

from core.catalog.models import CatalogModel, CostUnit, Route, UnknownModel
from core.catalog.service import SyncReport, configure, default_model, find, get, lock, models, read, sync

__all__ = [
    "CatalogModel",
    "CostUnit",
    "Route",
    "SyncReport",
    "UnknownModel",
    "configure",
    "default_model",
    "find",
    "get",
    "lock",
    "models",
    "read",
    "sync",
]
