"""The worker does not frighten whoever reads its log."""

from __future__ import annotations

import os
import warnings

import pytest
from celery.apps.worker import Worker
from celery.exceptions import SecurityError, SecurityWarning

from core.queue import celery, worker


@pytest.fixture
def superuser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("getuid", "geteuid", "getgid", "getegid"):
        monkeypatch.setattr(os, name, lambda: 0)


def _warnings_of_a_start() -> list[str]:
    """What Celery warns of when its worker is made."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        worker._stay_calm_as_superuser()
        Worker(app=celery, pool="solo").on_before_init(quiet=True)
    return [str(one.message) for one in said if issubclass(one.category, SecurityWarning)]


def test_a_superuser_is_not_warned_of_messages_that_are_never_accepted(superuser: None) -> None:
    assert _warnings_of_a_start() == []


def test_celery_would_warn_of_them(superuser: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_stay_calm_as_superuser", lambda: None)
    assert any("superuser" in said for said in _warnings_of_a_start())


def test_messages_that_carry_code_are_not_taken_from_a_superuser(
    superuser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("C_FORCE_ROOT", raising=False)
    monkeypatch.setitem(celery.conf, "accept_content", ["json", "pickle"])
    with pytest.raises(SecurityError):
        _warnings_of_a_start()
    monkeypatch.setenv("C_FORCE_ROOT", "1")
    assert any("superuser" in said for said in _warnings_of_a_start())
