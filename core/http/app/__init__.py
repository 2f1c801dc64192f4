"""`/api/app/v1`: what the Mini App talks to."""

from __future__ import annotations

import importlib
import json
import pkgutil

from sanic import HTTPResponse, Request

from core.http.app.api import api
from core.http.openapi import JSON

for _module in pkgutil.iter_modules(__path__):
    # Each module beside this one enters its operations in the registry.
    importlib.import_module(f"{__name__}.{_module.name}")

blueprint = api.blueprint


@blueprint.get("/openapi.json")
async def openapi(request: Request) -> HTTPResponse:
    """The description of this API, for everybody: the Mini App's own code says the same."""
    return HTTPResponse(json.dumps(api.document(request.app.ctx.version)), content_type=JSON)
