"""`/api/ops/v1`: what `nb` and CI talk to."""

from __future__ import annotations

import importlib
import json
import pkgutil

from sanic import HTTPResponse, Request

from core.http.authentication import require
from core.http.openapi import JSON
from core.http.ops.api import api
from core.ops_tokens import Scope

for _module in pkgutil.iter_modules(__path__):
    # Each module beside this one enters its operations in the registry.
    importlib.import_module(f"{__name__}.{_module.name}")

blueprint = api.blueprint


@blueprint.get("/openapi.json")
async def openapi(request: Request) -> HTTPResponse:
    """The description of this API."""
    await require(request, Scope.READ)
    return HTTPResponse(json.dumps(api.document(request.app.ctx.version)), content_type=JSON)
