"""Errors as `application/problem+json` (RFC 9457): one exception to raise, one handler that renders every failure.

An answer never holds a stack, a query or a secret. What was not expected is logged once and answered with its trace id.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from sanic import HTTPResponse, Request
from sanic.exceptions import RequestCancelled, RequestTimeout, SanicException, ServiceUnavailable
from sanic.handlers import ErrorHandler

from core import errors
from core.errors import Origin, Severity
from core.logs import current_trace, get_logger
from core.storage import StorageError

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2

logger = get_logger(__name__)

UNAVAILABLE = errors.BACKEND_AWAY
"""What is answered with 503: the database or Redis is away."""

_CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    411: "length_required",
    413: "payload_too_large",
    416: "range_not_satisfiable",
    417: "expectation_failed",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}

_DETAILS = {
    404: "There is nothing at this address.",
    408: "The request did not arrive in time.",
    413: "The body is larger than this service takes.",
    503: "The service cannot answer at the moment. Try again.",
}


class Problem(Exception):
    """An expected failure of a request: its status, a code for programs and a sentence for people."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or code_of(status)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})


def code_of(status: int) -> str:
    """The stable code of a status that nobody gave a better one."""
    return _CODES.get(status, f"http_{status}")


def render(problem: Problem) -> HTTPResponse:
    """Return the problem as an answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase if problem.status in list(HTTPStatus) else "Error",
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.extra,
    }
    if trace_id := current_trace():
        body["trace_id"] = trace_id
    text = json.dumps(body, ensure_ascii=False)
    return HTTPResponse(text, problem.status, headers=problem.headers, content_type=CONTENT_TYPE)


class ProblemHandler(ErrorHandler):
    """Sanic's error handler that answers with problems only."""

    def response(self, request: Request, exception: Exception) -> HTTPResponse:
        """Render whatever a handler, a middleware or Sanic itself raised."""
        if isinstance(exception, _OUT_OF_TIME) and _stop_reading(request):
            return render(Problem(408, _DETAILS[408]))
        return render(self._problem(request, exception))

    def _problem(self, request: Request | None, exception: Exception) -> Problem:
        if isinstance(exception, Problem):
            return exception
        if isinstance(exception, SanicException):
            if exception.status_code >= 500 and exception.status_code != 503:
                _note(request, exception)
            return _from_sanic(exception)
        where = {"method": request.method, "path": request.path} if request is not None else {}
        if isinstance(exception, UNAVAILABLE):
            logger.warning("request_without_backend", error=type(exception).__name__, **where)
            return Problem(503, _DETAILS[503], headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        if isinstance(exception, StorageError):
            logger.error("request_without_storage", error=str(exception), **where)
            detail = "Files cannot be kept or read at the moment. Try again."
            return Problem(503, detail, code="storage_unavailable", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        if isinstance(exception, RequestCancelled):
            # Whoever asked has hung up: nobody reads this answer, and nothing of ours is broken.
            logger.info("request_given_up", **where)
            return Problem(503, _DETAILS[503])
        logger.error("request_failed", exc_info=exception, **where)
        _note(request, exception)
        return Problem(500, "Something went wrong on our side. It has been logged under the trace id of this answer.")


_OUT_OF_TIME = (ServiceUnavailable, RequestTimeout)


def _stop_reading(request: Request | None) -> bool:
    """Wait no more for the rest of a body: Sanic would, and without a limit. Says whether something was missing."""
    stream: Any = request.stream if request is not None else None
    if stream is None or not stream.request_body:
        return False
    stream.request_body = None
    return True


ORIGINS = (
    ("/api/telegram/", Origin.WEBHOOK),
    ("/api/app/", Origin.MINIAPP),
    ("/api/payments/", Origin.PAYMENT),
    ("/pay/", Origin.PAYMENT),
    ("/api/providers/", Origin.GENERATION),
)
"""What a request was about, by the beginning of its path."""


def _note(request: Request | None, exception: Exception) -> None:
    """Have operators see what broke a request, under the trace that its sender is told. Of the path only the route is
    kept: an id or a secret in it is nobody's business."""
    path = request.path if request is not None else ""
    route = f"/{request.route.path}" if request is not None and request.route is not None else "none"
    origin = next((origin for prefix, origin in ORIGINS if path.startswith(prefix)), Origin.OTHER)
    method = request.method if request is not None else ""
    errors.record(exception, origin=origin, severity=Severity.CRITICAL, handler=f"{method} {route}".strip())


def _from_sanic(exception: SanicException) -> Problem:
    status = exception.status_code
    headers = {str(name): str(value) for name, value in (exception.headers or {}).items()}
    headers = {name: value for name, value in headers.items() if name.lower() in ("allow", "content-range")}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status >= 500 and status != 503:
        logger.error("request_failed", exc_info=exception)
    if status == 405:
        allowed = ", ".join(sorted(filter(None, headers.get("Allow", "").split(", "))))
        # Sanic does not say where an address with parameters takes several methods.
        detail = f"This address takes {allowed}." if allowed else "This address does not take that method."
        return Problem(405, detail, headers={"Allow": allowed} if allowed else {})
    detail = _DETAILS.get(status) or (str(exception) if status < 500 else "Something went wrong on our side.")
    return Problem(status, detail or code_of(status).replace("_", " "), headers=headers)
