"""The yardstick of `/api/health`: a Sanic server with one route and nothing else. `python -m benchmarks.bare PORT`."""

from __future__ import annotations

import sys

from sanic import HTTPResponse, Request, Sanic

app = Sanic("bare", configure_logging=False)
app.config.AUTO_EXTEND = False

BODY = b'{"ok": true, "version": "0.1.0", "commit": "unknown", "environment": "local"}'


@app.get("/")
async def answer(request: Request) -> HTTPResponse:
    """Answer as many bytes as the measured route does."""
    del request
    return HTTPResponse(BODY, content_type="application/json")


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False, motd=False)
