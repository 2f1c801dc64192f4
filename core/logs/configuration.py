"""Puts structlog and the standard library's logging on one chain that ends in one redacted line per record."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core import redaction
from core.settings import Settings

QUIET = (
    "aiogram.event",
    "aiohttp.access",
    "asyncio",
    "celery.app.trace",
    "celery.worker.strategy",
    "celery.redirected",
    "google_genai",
    "httpcore",
    "httpx",
    "kombu",
    "piccolo",
    "sanic.access",
    "sanic.root",
    "sanic.server",
    "sanic.websockets",
    "urllib3",
)
"""Loggers that tell every request or every start; from them only warnings are kept."""


_service = ""


class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Renders a record of anybody as one line and takes the secrets out of it."""

    def __init__(self, redact: Callable[[str], str], processors: list[Processor], before: list[Processor]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=before)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class SafeHandler(logging.StreamHandler[TextIO]):
    """Writes lines; a record that cannot be rendered is reported without its arguments, which may hold secrets."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  The name is logging's.
        error = sys.exc_info()[1]
        if isinstance(error, BrokenPipeError) or self.stream.closed:
            return
        line = {"level": "error", "logger": record.name, "event": "log_record_broken", "at_line": record.lineno}
        self.stream.write(json.dumps({**line, "error": type(error).__name__}) + self.terminator)


def configure(settings: Settings, service: str, *, stream: TextIO | None = None) -> None:
    """Send every log record of this process to `stream` (standard error) as the settings say.

    Args:
        service: the kind of process, a field of every line: web, worker, beat, poller.
    """
    global _service
    _service = service
    redactor = redaction.Redactor(settings.secret_values())
    redaction.use(redactor)
    shared = _shared_processors(service)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = SafeHandler(stream or sys.stderr)
    renderers = _console(handler.stream) if settings.log_format == "console" else _json()
    handler.setFormatter(RedactingFormatter(redactor, renderers, shared))
    root = logging.getLogger()
    for previous in list(root.handlers):
        if isinstance(previous, SafeHandler):
            root.removeHandler(previous)
    root.addHandler(handler)
    root.setLevel(settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def service_name() -> str:
    """The kind of this process, as its log lines name it; empty before `configure`."""
    return _service


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes an event name and fields: `logger.info("charged", tokens="0.80")`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _shared_processors(service: str) -> list[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        add_service,
        structlog.processors.StackInfoRenderer(),
    ]


def _json() -> list[Processor]:
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("event"),
        _in_reading_order,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]


def _console(stream: TextIO) -> list[Processor]:
    # Plain tracebacks: coloured ones cut long lines, and a secret that is cut in two is not recognised.
    colours = stream.isatty() or os.environ.get("NB_LOG_COLOR") == "1"
    return [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.dev.ConsoleRenderer(
            colors=colours and not os.environ.get("NO_COLOR"),
            timestamp_key="at",
            exception_formatter=structlog.dev.plain_traceback,
            pad_event_to=24,
        ),
    ]


def _in_reading_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    first = ("at", "level", "service", "logger", "event", "trace_id")
    ordered = {key: event[key] for key in first if key in event}
    return {**ordered, **{key: value for key, value in event.items() if key not in ordered}}


def _to_json(value: object, **options: Any) -> str:  # noqa: ANN401  structlog passes json's own options.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=options.get("default", str))


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("process").critical("uncaught_exception", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        _log_uncaught(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
