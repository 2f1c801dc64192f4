"""One line per record, whoever wrote it: with the trace, without secrets."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from core import logs, redaction
from core.logs.configuration import QUIET, SafeHandler
from core.settings import Settings
from core.types import TraceId
from tests.fixtures.servers import make_settings

TOKEN = "123456789:AAEhBP0av28Tt2GmSLuHnTCZbjMpM3mYdfg"
PASSWORD = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    """Put the process's logging back as it was."""
    root = logging.getLogger()
    handlers, level, hooks = list(root.handlers), root.level, (sys.excepthook, threading.excepthook)
    levels = {name: logging.getLogger(name).level for name in QUIET}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, quiet_level in levels.items():
        logging.getLogger(name).setLevel(quiet_level)
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    redaction.use(logs.Redactor())
    structlog.reset_defaults()


def _settings(**overrides: Any) -> Settings:
    return make_settings(
        f"postgresql://nb:{PASSWORD}@db/nb", "redis://cache:6379/0", **{"telegram_bot_token": TOKEN, **overrides}
    )


@pytest.fixture
def output() -> io.StringIO:
    """What a process that logs JSON wrote."""
    stream = io.StringIO()
    logs.configure(_settings(), "web", stream=stream)
    return stream


def _lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_record_is_one_json_line_with_the_usual_fields_first(output: io.StringIO) -> None:
    with logs.trace(TraceId("0" * 32)):
        logs.get_logger("core.ledger").info("charged", tokens="0.80", user=7)

    (line,) = _lines(output)
    assert list(line) == ["at", "level", "service", "logger", "event", "trace_id", "tokens", "user"]
    assert line["at"].endswith("Z")
    assert line | {"at": ""} == {
        "at": "",
        "level": "info",
        "service": "web",
        "logger": "core.ledger",
        "event": "charged",
        "trace_id": "0" * 32,
        "tokens": "0.80",
        "user": 7,
    }


def test_a_library_that_uses_the_standard_logging_comes_out_the_same(output: io.StringIO) -> None:
    with logs.trace(TraceId("1" * 32)):
        logging.getLogger("some.library").warning("took %d s", 3, extra={"attempt": 2})

    (line,) = _lines(output)
    assert line["event"] == "took 3 s"
    assert line["logger"] == "some.library"
    assert line["trace_id"] == "1" * 32
    assert line["attempt"] == 2


def test_no_trace_no_field(output: io.StringIO) -> None:
    logs.get_logger("x").info("started")

    assert "trace_id" not in _lines(output)[0]


@pytest.mark.parametrize("format_", ["json", "console"])
def test_secrets_are_nowhere_in_the_output(format_: str) -> None:
    stream = io.StringIO()
    logs.configure(_settings(log_format=format_), "web", stream=stream)
    log = logs.get_logger("x")
    log.info(f"connecting with {PASSWORD}", url=f"postgresql://nb:{PASSWORD}@db/nb", nested={"deep": [PASSWORD, TOKEN]})
    log.info("raw", body=TOKEN.encode(), headers={"Authorization": "Bearer abcdef.ghijkl"})
    logging.getLogger("aiogram").error("POST https://api.telegram.org/bot%s/sendMessage failed", TOKEN)
    try:
        try:
            raise OSError(f"cannot reach https://api.telegram.org/bot{TOKEN}/getMe")
        except OSError as error:
            raise ValueError(f"gave up, password was {PASSWORD}") from error
    except ValueError:
        log.exception("failed")
        logging.getLogger("sanic.error").exception("failed there, too")

    written = stream.getvalue()
    for secret in (PASSWORD, TOKEN, TOKEN.partition(":")[2], "abcdef.ghijkl"):
        assert secret not in written
    assert written.count("Traceback") == 4
    assert "ValueError: gave up, password was [redacted]" in written


def test_a_traceback_does_not_show_local_variables() -> None:
    stream = io.StringIO()
    logs.configure(_settings(log_format="console"), "web", stream=stream)
    one_time_password = "998877-local"
    try:
        raise ValueError("no")
    except ValueError:
        logs.get_logger("x").exception("failed")

    assert one_time_password not in stream.getvalue()


def test_a_record_that_cannot_be_rendered_is_reported_without_its_arguments(output: io.StringIO) -> None:
    root = logging.getLogger()  # pytest's own handlers raise where ours must not.
    root.handlers[:] = [handler for handler in root.handlers if isinstance(handler, SafeHandler)]
    logging.getLogger("some.library").error("%d apples", PASSWORD)

    (line,) = _lines(output)
    assert line["event"] == "log_record_broken"
    assert line["logger"] == "some.library"
    assert PASSWORD not in output.getvalue()


@pytest.mark.parametrize("name", ["httpx", "httpcore", "aiohttp.access", "sanic.access", "google_genai"])
def test_loggers_that_tell_every_request_are_silent(output: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("HTTP Request: GET https://example.com")

    assert output.getvalue() == ""


def test_warnings_of_python_are_records(output: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old habits", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    assert "old habits" in _lines(output)[0]["event"]


def test_an_uncaught_exception_is_a_record_without_secrets(output: io.StringIO) -> None:
    try:
        raise RuntimeError(PASSWORD)
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)

    (line,) = _lines(output)
    assert (line["level"], line["event"]) == ("critical", "uncaught_exception")
    assert PASSWORD not in output.getvalue()


def test_an_uncaught_exception_of_a_thread_is_a_record_too(output: io.StringIO) -> None:
    def fail() -> None:
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()

    assert "in a thread" in _lines(output)[0]["exception"]


def test_ctrl_c_is_no_record(output: io.StringIO) -> None:
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert output.getvalue() == ""


def test_the_level_of_the_settings_counts() -> None:
    stream = io.StringIO()
    logs.configure(_settings(log_level="ERROR"), "web", stream=stream)
    logs.get_logger("x").warning("not told")
    logging.getLogger("y").info("not told")
    logs.get_logger("x").error("told")

    assert [line["event"] for line in _lines(stream)] == ["told"]


def test_configuring_again_does_not_write_twice() -> None:
    stream = io.StringIO()
    logs.configure(_settings(), "web", stream=stream)
    logs.configure(_settings(), "worker", stream=stream)
    logs.get_logger("x").info("once")

    assert [line["service"] for line in _lines(stream)] == ["worker"]
    assert sum(isinstance(handler, SafeHandler) for handler in logging.getLogger().handlers) == 1


def test_values_that_json_does_not_know_are_text(output: io.StringIO) -> None:
    logs.get_logger("x").info("odd", path=object, values={1, 2}, letters="Привет ⚡")

    assert "Привет ⚡" in output.getvalue()
    assert _lines(output)[0]["event"] == "odd"


def test_redact_uses_what_the_process_was_configured_with(output: io.StringIO) -> None:
    del output

    assert logs.redact(f"it is {PASSWORD}") == "it is [redacted]"
