"""No secret survives, whatever the text around it looks like."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redaction import REDACTED, Redactor

BOT_TOKEN = "123456789:AAEhBP0av28Tt2GmSLuHnTCZbjMpM3mYdfg"
OPS_TOKEN = "nbk_Q2s9NapyoNK_OJx9nxyk_iTZ-F-4yg9y4A2rANq0mpM"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"GET https://api.telegram.org/bot{BOT_TOKEN}/getMe", BOT_TOKEN),
        (f"GET https://api.telegram.org/bot{quote(BOT_TOKEN, safe='')}/getMe", "AAEhBP0av28Tt2GmSLuHnTCZbjMpM3mYdfg"),
        (f"token={BOT_TOKEN}", BOT_TOKEN),
        (f"the token {OPS_TOKEN} was used", OPS_TOKEN),
        ("postgresql://nb:hunter2@db.internal:5432/nb", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("Authorization: Bearer eyJhbGciOi.J9", "eyJhbGciOi.J9"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("{'Authorization': 'tma query_id=AAA'}", "query_id=AAA"),
        ('{"x-goog-api-key": "AIzaSyA-1"}', "AIzaSyA-1"),
        (json.dumps({"headers": json.dumps({"X-Api-Key": "lava-1"})}), "lava-1"),
        ("[('authorization', 'Bearer abc.def')]", "abc.def"),
        ("(b'Authorization', b'Bearer abc.def')", "abc.def"),
        ("X-Telegram-Bot-Api-Secret-Token: s3cret", "s3cret"),
        ("cookie: session=1f2e", "session=1f2e"),
        ("https://generativelanguage.googleapis.com/v1/models?key=AIzaSyA-1&alt=json", "AIzaSyA-1"),
        ("/media/a.png?expires=1&signature=0f0f0f", "0f0f0f"),
        ("opened with query_id=AAA&auth_date=1&hash=" + "0f" * 32, "0f" * 32),
        ("#tgWebAppData=query_id%3DAAA%26hash%3D" + "0f" * 32, "0f" * 32),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    redacted = Redactor()(text)

    assert secret not in redacted
    assert REDACTED in redacted


@pytest.mark.parametrize(
    "text",
    [
        "request GET /api/health 200 in 0.2 ms",
        '{"at":"2026-11-22T10:00:00.123456Z","level":"info","event":"charged","tokens":"0.80"}',
        "see https://example.com/path?page=2#top",
        'Traceback (most recent call last):\n  File "/srv/core/db.py", line 12, in fetch',
        "user 123456789: said hello",
        "a basic question, a bearer of news",
        "ratio 16:9, time 10:00:00",
        "commit hash=6a090cb",
        "write to joe@example.com",
    ],
)
def test_ordinary_text_stays_the_very_same_object(text: str) -> None:
    assert Redactor(["another-secret"])(text) is text or Redactor(["another-secret"])(text) == text


def test_a_known_secret_is_found_in_every_spelling() -> None:
    secret = 'pä"ss\\wörd/+ 1'
    redact = Redactor([secret])
    for spelling in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret), quote(secret)):
        assert "ss" not in redact(f"value: {spelling} end").replace("[redacted]", "")


def test_the_secret_half_of_a_bot_token_alone_is_known_too() -> None:
    assert Redactor(["4242:short-token"])("the rest was short-token") == f"the rest was {REDACTED}"


def test_the_longest_secret_goes_first_so_that_nothing_of_it_is_left() -> None:
    redact = Redactor(["hunter2", "postgresql://nb:hunter2@db/nb"])

    assert redact("connecting to postgresql://nb:hunter2@db/nb") == f"connecting to {REDACTED}"


def test_a_string_too_short_to_be_a_secret_is_not_hunted() -> None:
    assert Redactor(["a", ""])("banana") == "banana"


def test_redacting_twice_changes_nothing_more() -> None:
    redact = Redactor(["hunter2-hunter2"])
    once = redact(f"hunter2-hunter2 Authorization: Bearer {OPS_TOKEN} redis://:pw123@h x-goog-api-key: 1")

    assert redact(once) == once


@given(
    before=st.text(max_size=40),
    secret=st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x2FFF), min_size=8, max_size=40),
    after=st.text(max_size=40),
)
def test_no_text_around_a_known_secret_hides_it(before: str, secret: str, after: str) -> None:
    redact = Redactor([secret])
    if secret in REDACTED:
        return

    assert secret not in redact(before + secret + after).replace(REDACTED, "\0")
    assert json.dumps(secret)[1:-1] not in redact(json.dumps([before, secret, after])).replace(REDACTED, "\0")
