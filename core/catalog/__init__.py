"""The catalogue: which models there are, what they take, and what they cost."""

from core.catalog.models import (
    CatalogModel,
    CostUnit,
    FollowUp,
    FollowUpKind,
    InputSlot,
    Route,
    UnknownModel,
)
from core.catalog.service import configure, default_model, find, forget, get, lock, models, read, retired
from core.catalog.shipped import SyncReport, sync

__all__ = [
    "CatalogModel",
    "CostUnit",
    "FollowUp",
    "FollowUpKind",
    "InputSlot",
    "Route",
    "SyncReport",
    "UnknownModel",
    "configure",
    "default_model",
    "find",
    "forget",
    "get",
    "lock",
    "models",
    "read",
    "retired",
    "sync",
]
