"""Masking: whatever form a secret has and wherever it stands, it does not get out; what is none stays readable."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.masking import MASK, masked, masked_arguments, masked_value

WORD = string.ascii_letters + string.digits
URL_SAFE = f"{WORD}-_"


def text(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    """Words of these characters."""
    return st.text(alphabet, min_size=least, max_size=most)


TOKENS = st.one_of(
    text(URL_SAFE, 43, 43).map("nbk_".__add__),
    st.tuples(st.sampled_from("pousr"), text(WORD, 36, 36)).map(lambda parts: f"gh{parts[0]}_{parts[1]}"),
    text(f"{WORD}_", 60, 82).map("github_pat_".__add__),
    st.tuples(st.integers(10**8, 10**10 - 1), text(URL_SAFE, 35, 35)).map(lambda parts: f"{parts[0]}:{parts[1]}"),
    st.tuples(text(URL_SAFE, 10, 40), text(URL_SAFE, 10, 80), text(URL_SAFE, 10, 43)).map(
        lambda parts: f"eyJ{parts[0]}.{parts[1]}.{parts[2]}"
    ),
    text(URL_SAFE, 20, 60).map("sk-".__add__),
    text(URL_SAFE, 35, 35).map("AIza".__add__),
)
VALUES = text(WORD, 8, 40).filter(lambda value: "secret" not in value.lower())
AROUND = st.sampled_from(["", " ", "a ", "=", "(", '"', "'", "/", "bot", ": ", "\n", "лиса ", "[", "_", "-", "."])
NAMES = st.sampled_from(
    [
        "TOKEN",
        "NB_TOKEN",
        "RAILWAY_TOKEN_STAGING",
        "password",
        "KLING_API_SECRET",
        "OPENAI_API_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
        "x-api-key",
        "access_token",
        "db.password",
    ]
)


@settings(max_examples=400, deadline=None)
@given(TOKENS, AROUND.filter(lambda sign: sign != "bot"), AROUND)
def test_a_token_is_masked_wherever_it_stands(token: str, before: str, after: str) -> None:
    said = masked(f"{before}{token}{after if after.strip(URL_SAFE) else ''}")
    assert token not in said
    assert MASK in said


@settings(max_examples=200, deadline=None)
@given(NAMES, VALUES, st.sampled_from(["=", '="', "='", '": "', "': '"]))
def test_what_is_assigned_to_a_telling_name_is_masked(name: str, value: str, sign: str) -> None:
    assert value not in masked(f"{name}{sign}{value}")
    assert value not in masked(f"https://x/?a=1&{name}={value}&b=2")


@settings(max_examples=200, deadline=None)
@given(VALUES, text(WORD, 0, 10), text(f"{WORD}.", 1, 20))
def test_a_password_in_an_address_is_masked_and_the_host_is_not(value: str, user: str, host: str) -> None:
    said = masked(f"postgresql://{user}:{value}@{host}/db failed")
    assert said == f"postgresql://{MASK}@{host}/db failed"


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from(["--token", "--api-key", "--password", "--lava-secret", "-token"]))
def test_what_follows_an_option_that_is_named_so_is_masked(value: str, option: str) -> None:
    for arguments in ([option, value], [f"{option}={value}"], ["x", option, value, "y"]):
        kept = masked_arguments(arguments)
        assert value not in " ".join(kept)
        assert len(kept) == len(arguments)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_masking_twice_is_masking_once(words: str) -> None:
    once = masked(words)
    assert masked(once) == once


@settings(max_examples=100, deadline=None)
@given(TOKENS)
def test_a_value_is_masked_inside_out(token: str) -> None:
    assert token not in str(masked_value({"a": [token, {token: (token, 1, None)}], "b": token}))


SECRET = "Zx9Qw8Er7Ty6Ui5Op4As3Df2Gh1Jk0Lz"


@pytest.mark.parametrize(
    "words",
    [
        "Authorization: Bearer {}",
        "authorization: Basic {}==",
        "Authorization: Token {}",
        "Authorization: tma query_id=AA&hash={}",
        "{{'Authorization': 'Bearer {}'}}",
        '{{"authorization": "Bearer {}"}}',
        "(b'authorization', b'Bearer {}')",
        "('x-api-key', '{}')",
        "sent Bearer {} twice",
        "Cookie: session={}; theme=dark",
        "Set-Cookie: sid={}; Path=/",
        "KLING_SECRET_KEY={}",
        "USEAPI_TOKEN: {}",
        "password: {}",
        '{{\\"token\\": \\"{}\\"}}',
        "token%3D{}",
        'password="with spaces {}"',
        "GET /v1?key={}&a=1",
        "X-Amz-Signature={}",
        "hash={}",
        "postgresql://user:ab/{}@host/db",
        "postgresql://user:ab@{}@host/db",
        "https://{}@o1.ingest.sentry.io/1",
        "https://hooks.slack.com/services/T0/B0/{}",
        "POST /api/providers/kling/webhook/{}",
        "curl -u user:{} https://x",
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n{}",
        "sb_secret_{}",
        "sk_live_{}",
        "glpat-{}",
        "npm_{}",
        "pypi-AgEI{}",
        "xoxb-1-{}",
        "key_{0}{0}",
    ],
)
def test_other_forms_that_meet_in_logs_are_masked(words: str) -> None:
    said = masked(words.format(SECRET))
    assert SECRET not in said
    assert MASK in said
    assert masked(said) == said


def test_a_credential_given_as_an_argument_to_be_saved_is_masked() -> None:
    assert masked_arguments(["token", "save", SECRET]) == ["token", "save", MASK]
    assert masked_arguments(["token", "save", "railway", SECRET]) == ["token", "save", "railway", MASK]
    assert masked_arguments(["token", "save", "railway", "--env", "staging"])[2:] == ["railway", "--env", "staging"]


@pytest.mark.parametrize(
    "words",
    [
        "asked for g_000001 at 12:00:03",
        "120 tokens=5 for user 100200300",
        "nb token revoke nbk_ --reason x",
        "token: expired",
        "https://example.com:8443/path@x",
        "the password is wrong",
        "NB_TOKEN_STAGING is not set",
        "key=model-1",
        "a balance of 5 tokens: fine",
        "cookies were accepted",
        "6a090cb1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ],
)
def test_what_is_no_secret_stays_readable(words: str) -> None:
    assert masked(words) == words


def test_a_flag_after_an_option_that_is_named_so_is_no_secret() -> None:
    assert masked_arguments(["--token", "--json", "x"]) == ["--token", "--json", "x"]


@pytest.mark.parametrize(
    "words",
    [
        "a-" * 50_000,
        "token" * 20_000,
        "A_" * 50_000,
        "http://" + "a:" * 50_000,
        "=" * 100_000,
        "://" * 30_000,
        "eyJ." * 25_000,
    ],
)
def test_a_line_that_was_made_to_be_slow_is_not(words: str) -> None:
    started = time.thread_time()
    masked(words)
    assert time.thread_time() - started < 10, "more than ten times what it takes on a slow machine"
