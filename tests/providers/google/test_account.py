"""The service account: how its key may be given, how tokens are fetched, and that neither is ever shown."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from providers.errors import AuthFailed, ProviderUnavailable
from providers.google.account import ServiceAccount
from tests.emulators import google_errors
from tests.emulators.service import serve
from tests.emulators.vertex import VertexEmulator

KEY = "the-right-key"


@pytest.fixture
async def emulator() -> AsyncIterator[VertexEmulator]:
    service = VertexEmulator(key=KEY)
    async with serve(service):
        yield service


@pytest.fixture
def account(emulator: VertexEmulator) -> ServiceAccount:
    return ServiceAccount.parse(emulator.account())


def test_a_key_is_read_from_its_text_its_base64_or_its_file(tmp_path: Path) -> None:
    text = google_errors.service_account("https://oauth2.googleapis.com", project="ours")
    file = tmp_path / "key.json"
    file.write_text(text)
    given = (text, f"  {text}\n", base64.b64encode(text.encode()).decode(), str(file))
    assert [ServiceAccount.parse(one).project for one in given] == ["ours"] * 4


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "/no/such/file", "bm90IGpzb24=", "\x00", "x" * 5000])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="key of a service account") as caught:
        ServiceAccount.parse(text)
    assert len(text) < 3 or text not in str(caught.value)


@pytest.mark.parametrize("name", ["project_id", "client_email", "private_key", "token_uri", "type"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_a_key_that_lacks_something_says_what(name: str, value: object) -> None:
    document = json.loads(google_errors.service_account("https://oauth2.googleapis.com")) | {name: value}
    with pytest.raises(ValueError, match="not the key of a service account" if name == "type" else name):
        ServiceAccount(document)


def test_the_credentials_of_a_person_are_no_service_account() -> None:
    document = {"type": "authorized_user", "client_id": "x", "client_secret": "hidden", "refresh_token": "hidden"}
    with pytest.raises(ValueError, match="not the key of a service account") as caught:
        ServiceAccount(document)
    assert "hidden" not in str(caught.value)


@pytest.mark.integration
async def test_a_token_is_fetched_once_and_kept(account: ServiceAccount, emulator: VertexEmulator) -> None:
    tokens = await asyncio.gather(*(account.token() for _ in range(20)))
    assert set(tokens) == set(emulator.tokens)
    assert len(emulator.tokens) == 1


@pytest.mark.integration
async def test_a_token_that_was_refused_is_replaced(account: ServiceAccount, emulator: VertexEmulator) -> None:
    first = await account.token()
    account.renew(first)
    assert await account.token() != first
    account.renew(first)
    assert await account.token() == emulator.tokens[-1], "an old refusal does not touch the new token"
    assert set(account.secrets) > set(emulator.tokens)


@pytest.mark.integration
async def test_a_key_that_google_does_not_know_is_told_as_such(emulator: VertexEmulator) -> None:
    stranger = ServiceAccount.parse(google_errors.service_account(emulator.address, key="another"))
    with pytest.raises(AuthFailed, match="invalid_grant"):
        await stranger.token()


async def test_a_key_that_cannot_be_used_is_told_without_being_shown() -> None:
    document = json.loads(google_errors.service_account("https://oauth2.googleapis.com"))
    body = "QUJD" * 40
    document["private_key"] = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    with pytest.raises(AuthFailed, match="cannot be read") as caught:
        await ServiceAccount(document).token()
    assert body not in f"{caught.value!r}"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived"}, AuthFailed),
        (401, {"error": "invalid_client"}, AuthFailed),
        (403, {"error": "access_denied"}, AuthFailed),
    ],
)
async def test_a_refused_key_is_told_as_such(
    account: ServiceAccount,
    emulator: VertexEmulator,
    status: int,
    body: dict[str, object],
    expected: type[Exception],
) -> None:
    emulator.token_refusals.append((status, body))
    with pytest.raises(expected):
        await account.token()
    assert await account.token() == emulator.tokens[-1], "the next call asks again"


@pytest.mark.integration
async def test_a_short_fault_of_the_token_service_is_got_over(
    account: ServiceAccount, emulator: VertexEmulator
) -> None:
    emulator.token_refusals.append((503, {"error": "temporarily_unavailable"}))
    assert await account.token() == emulator.tokens[-1]


@pytest.mark.integration
async def test_a_token_service_that_is_not_there_is_unavailable() -> None:
    async with serve(VertexEmulator()) as address:
        pass
    account = ServiceAccount(json.loads(google_errors.service_account(address)), timeout=1)
    with pytest.raises(ProviderUnavailable, match="no token"):
        await account.token()
