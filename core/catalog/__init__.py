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
from core.catalog.service import SyncReport, configure, default_model, find, get, lock, models, read, sync

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
    "get",
    "lock",
    "models",
    "read",
    "sync",
]
