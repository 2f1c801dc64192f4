"""An alert is logged as bad as it is: a log that is asked for errors is not disturbed by good news."""

from __future__ import annotations

import io
import json

import pytest

from core import logs
from core.alerts import alert
from core.settings import Settings
from tests.core.logs.test_configuration import restored_logging  # noqa: F401  used by its name

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("restored_logging")]


@pytest.mark.parametrize(
    ("key", "level"),
    [
        ("provider:gemini:closed", "info"),
        ("generations:stuck", "warning"),
        ("provider:gemini:opened", "error"),
        ("inbox:payment", "error"),
    ],
)
async def test_an_alert_is_logged_as_bad_as_it_is(service: Settings, key: str, level: str) -> None:
    stream = io.StringIO()
    logs.configure(service, "worker", stream=stream)

    await alert(key, "what happened")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["level"] for line in lines if line["event"] == "alert"] == [level]
