"""The registry that every operation of the ops API is entered in."""

from __future__ import annotations

from core.http.openapi import Api

api = Api(
    "ops",
    prefix="/api/ops/v1",
    title="NanoBanana ops API",
    description="What operators, CI and agents ask the service; the command line nb is built on it.",
)
