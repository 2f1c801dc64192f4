"""Who asks is what Telegram signed for our bot, freshly, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.webapp import sign
from core import db, ledger, logs, users
from core.bonuses import referrals
from core.http.app.identity import LONGEST, InvalidInitData, verify
from core.settings import Settings
from tests.bot.sandbox.conftest import TOKEN, Running
from tests.core.http.app.people import Visitor, init_data
from tests.core.logs.test_configuration import restored_logging  # noqa: F401  used by its name

ANYA: dict[str, Any] = {"id": 7, "first_name": "Аня", "username": "anya", "language_code": "ru", "is_premium": True}
GENUINE = init_data(TOKEN, ANYA)


def test_what_telegram_signed_is_believed() -> None:
    data = verify(init_data(TOKEN, ANYA, start_param="ref_REF1A2B3C4D"), TOKEN)

    assert (data.profile.chat_id, data.profile.first_name, data.profile.username) == (7, "Аня", "anya")
    assert (data.profile.language_code, data.profile.is_premium) == ("ru", True)
    assert data.start_param == "ref_REF1A2B3C4D"
    assert abs(data.signed_at.timestamp() - time.time()) < 5


@given(
    names=st.lists(st.text(max_size=40).filter(lambda text: "\x00" not in text), min_size=3, max_size=3),
    number=st.integers(1, 2**52),
    start_param=st.from_regex(r"[A-Za-z0-9_-]{0,64}", fullmatch=True),
)
def test_any_name_survives_the_way(names: list[str], number: int, start_param: str) -> None:
    first, last, username = (name.encode(errors="ignore").decode() for name in names)
    user = {"id": number, "first_name": first, "last_name": last, "username": username}

    data = verify(init_data(TOKEN, user, start_param=start_param), TOKEN)

    assert (data.profile.chat_id, data.profile.first_name, data.profile.last_name) == (number, first, last)
    assert data.start_param == start_param


@given(st.data())
def test_one_changed_character_is_noticed(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(GENUINE) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters=GENUINE[position]))
    forged = GENUINE[:position] + other + GENUINE[position + 1 :]

    # Another way to write the same text is no forgery: %d0 is %D0, and + is %20.
    if parse_qsl(forged, keep_blank_values=True) != parse_qsl(GENUINE, keep_blank_values=True):
        with pytest.raises(InvalidInitData):
            verify(forged, TOKEN)


@given(st.text(max_size=300))
def test_anything_else_is_refused_without_a_crash(text: str) -> None:
    with pytest.raises(InvalidInitData):
        verify(text, TOKEN)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=8))
def test_no_signed_content_crashes_it(fields: dict[str, str]) -> None:
    fields = {
        name.encode(errors="ignore").decode(): text.encode(errors="ignore").decode() for name, text in fields.items()
    }
    raw = urlencode({**fields, "hash": sign(TOKEN, fields)}, quote_via=quote)

    with pytest.raises(InvalidInitData):
        verify(raw, TOKEN)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "hash=" + "0" * 64,
        init_data("4242:the-token-of-another-bot", ANYA),
        GENUINE + "&user=" + quote(json.dumps({"id": 8})),
        "user=" + quote(json.dumps({"id": 8})) + "&" + GENUINE,
        GENUINE + "&hash=" + "0" * 64,
        GENUINE.replace("%22id%22%3A7", "%22id%22%3A8"),
        GENUINE.rpartition("&hash=")[0],
        GENUINE.upper(),
        GENUINE[:-1],
        GENUINE + "&",
        GENUINE.replace("&", "&&", 1),
        GENUINE.replace("hash=", "hash=+"),
        GENUINE.replace("&auth_date", ";auth_date"),
        GENUINE.replace("%D0%90", "%D0"),
        GENUINE + "&filler=" + "x" * LONGEST,
        init_data(TOKEN, None),
        init_data(TOKEN, ""),
        init_data(TOKEN, "null"),
        init_data(TOKEN, "[7]"),
        init_data(TOKEN, "{}"),
        init_data(TOKEN, {**ANYA, "id": "7"}),
        init_data(TOKEN, {**ANYA, "id": True}),
        init_data(TOKEN, {**ANYA, "id": 0}),
        init_data(TOKEN, {**ANYA, "id": -7}),
        init_data(TOKEN, {**ANYA, "id": 2**63}),
        init_data(TOKEN, {**ANYA, "id": 7.5}),
        init_data(TOKEN, {**ANYA, "is_bot": True}),
        init_data(TOKEN, {**ANYA, "first_name": "a\x00b"}),
        init_data(TOKEN, '{"id":7,"first_name":"\\ud83d"}'),
        init_data(TOKEN, ANYA, auth_date=""),
        init_data(TOKEN, ANYA, auth_date="soon"),
        init_data(TOKEN, ANYA, auth_date="-1"),
        init_data(TOKEN, ANYA, auth_date="1e9"),
        init_data(TOKEN, ANYA, auth_date="9" * 30),
        init_data(TOKEN, ANYA, Upper="x"),
        GENUINE + "".join(f"&field_{letter}=x" for letter in "abcdefghijklmnopqrstuvwxyz_"),
    ],
)
def test_forgeries_are_refused(raw: str) -> None:
    with pytest.raises(InvalidInitData):
        verify(raw, TOKEN)


def test_two_fields_cannot_be_passed_off_as_one() -> None:
    """Signed fields are joined with line breaks, so a value that holds one could be read in two ways."""
    moment = str(round(time.time()))
    fields = {"auth_date": moment, "user": json.dumps(ANYA), "zone": "a"}
    joint = {"auth_date": moment, "user": f"{fields['user']}\nzone=a"}

    assert sign(TOKEN, fields) == sign(TOKEN, joint)
    assert verify(urlencode({**fields, "hash": sign(TOKEN, fields)}), TOKEN).profile.chat_id == 7
    with pytest.raises(InvalidInitData):
        verify(urlencode({**joint, "hash": sign(TOKEN, joint)}), TOKEN)


def test_a_refusal_repeats_nothing_of_what_was_refused() -> None:
    with pytest.raises(InvalidInitData) as refused:
        verify(GENUINE[:-1] + "g", TOKEN)

    assert "Аня" not in str(refused.value)
    assert "auth_date" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_name_longer_than_its_column_is_cut() -> None:
    data = verify(init_data(TOKEN, {**ANYA, "first_name": "x" * 400, "language_code": "zh-hant-variant"}), TOKEN)

    assert (len(data.profile.first_name), data.profile.language_code) == (255, "zh-hant-va")


@pytest.mark.integration
async def test_the_sandbox_opens_the_app(client: httpx.AsyncClient, sandbox: Running) -> None:
    driver = f"{sandbox.address}/sandbox/v1"
    await client.post(f"{driver}/users", json={"id": 71, "first_name": "Аня", "language_code": "ru"})
    launched = (await client.get(f"{driver}/chats/71/webapp", params={"url": "https://app.example/"})).json()

    answer = await client.get("/api/app/v1/me", headers={"Authorization": f"tma {launched['init_data']}"})

    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["name"], answer.json()["language"]) == ("71", "Аня", "ru")


@pytest.mark.integration
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "tma"},
        {"Authorization": f"Bearer {GENUINE}"},
        {"Authorization": GENUINE},
        {"X-Init-Data": GENUINE},
    ],
)
async def test_without_init_data_nothing_is_told(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/api/app/v1/me", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "init_data_missing")
    assert answer.headers["www-authenticate"].startswith("tma ")
    assert await users.get(7) is None


@pytest.mark.integration
async def test_two_proofs_are_none(client: httpx.AsyncClient) -> None:
    headers = [("Authorization", f"tma {GENUINE}"), ("Authorization", f"tma {init_data(TOKEN, {'id': 8})}")]

    assert (await client.get("/api/app/v1/me", headers=headers)).json()["code"] == "init_data_missing"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("path", "age", "code"),
    [
        ("/me", 0, None),
        ("/me", 24 * 3600 - 60, None),
        ("/me", 24 * 3600 + 60, "init_data_expired"),
        ("/me", -50, None),
        ("/me", -90, "init_data_invalid"),
        ("/orders", 3600 - 60, None),
        ("/orders", 3600 + 60, "init_data_expired"),
        ("/orders", -90, "init_data_invalid"),
    ],
)
async def test_init_data_grows_too_old(mia: Visitor, path: str, age: int, code: str | None) -> None:
    if path == "/me":
        answer = await mia.get(path, age=age)
    else:
        answer = await mia.post(path, {"package": "tokens-100", "gateway": "stars"}, age=age)

    assert answer.status_code == (200 if code is None else 401)
    assert answer.json().get("code") == code or code is None


@pytest.mark.integration
async def test_an_id_that_the_client_names_is_not_looked_at(mia: Visitor, max_: Visitor) -> None:
    await max_.get("/me")
    body = {"package": "tokens-100", "gateway": "stars", "user_id": max_.id}

    assert (await mia.http.get(f"/api/app/v1/me?user_id={max_.id}", headers=mia.signed())).status_code == 422
    assert (await mia.post("/orders", body)).status_code == 422
    assert (await mia.get("/me")).json()["id"] == str(mia.id)
    assert await db.fetch_value("SELECT count(*) FROM botapp_payment") == 0


@pytest.mark.integration
async def test_somebody_new_gets_an_account_once(mia: Visitor) -> None:
    answers = await asyncio.gather(*(mia.get("/me") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    user = await users.get(mia.id)
    assert user is not None
    assert (user.first_name, user.language) == ("Mia", "en")
    assert [posting.reason for posting in await ledger.statement(user.id)] == ["welcome"]


@pytest.mark.integration
async def test_who_was_shut_out_stays_out(mia: Visitor) -> None:
    await mia.get("/me")
    await db.execute("UPDATE botapp_tguser SET is_blocked = true WHERE chat_id = $1", mia.id)

    for answer in (await mia.get("/me"), await mia.post("/orders", {"package": "tokens-100", "gateway": "stars"})):
        assert (answer.status_code, answer.json()["code"]) == (403, "user_blocked")


@pytest.mark.integration
async def test_an_invitation_counts_when_the_app_is_opened_first(mia: Visitor, max_: Visitor) -> None:
    code = (await mia.get("/me")).json()["referral"]["code"]

    answers = [await max_.get("/me", start_param=f"ref_{code}") for _ in range(3)]

    assert [answer.json()["balance"] for answer in answers] == ["55.00"] * 3
    inviter, friend = await users.get(mia.id), await users.get(max_.id)
    assert inviter is not None
    assert friend is not None
    assert (await referrals.invitations(inviter.id)).came == 1
    assert (await mia.get("/me")).json()["referral"]["came"] == 1


@pytest.mark.integration
async def test_nobody_invites_themselves(mia: Visitor) -> None:
    code = (await mia.get("/me")).json()["referral"]["code"]

    assert (await mia.get("/me", start_param=f"ref_{code}")).json()["balance"] == "50.00"
    assert (await mia.get("/me", start_param="ref_REF00000000")).json()["balance"] == "50.00"
    assert (await mia.get("/me", start_param="ref_' OR 1=1")).json()["balance"] == "50.00"


@pytest.fixture
def log(settings: Settings) -> Iterator[io.StringIO]:
    """What the server logs, all of it."""
    stream = io.StringIO()
    logs.configure(settings.model_copy(update={"log_level": "DEBUG"}), "web", stream=stream)
    yield stream


@pytest.mark.integration
@pytest.mark.usefixtures("restored_logging")
async def test_init_data_is_never_logged(client: httpx.AsyncClient, log: io.StringIO) -> None:
    good = init_data(TOKEN, ANYA)
    bad = good[:-4] + "beef"
    for raw in (good, bad, "x" * 5000):
        for path in ("/me", "/orders/nothing", "/nowhere"):
            answer = await client.get(f"/api/app/v1{path}", headers={"Authorization": f"tma {raw}"})
            assert raw not in answer.text

    written = log.getvalue()
    assert '"path":"/api/app/v1/me"' in written
    for raw in (good, bad):
        for part in (raw, raw.rpartition("hash=")[2], "%22first_name%22", "c2lnbmF0dXJl"):
            assert part not in written


def test_the_api_does_not_load_aiogram() -> None:
    code = "import sys, core.http.app; print([m for m in sys.modules if m.split('.')[0] in ('aiogram', 'aiohttp')])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw().hex()


def signed_by_telegram(fields: dict[str, str], *, bot: str = TOKEN.partition(":")[0], padding: str = "") -> str:
    """Init data without a hash, with the signature that Telegram makes for third parties."""
    text = f"{bot}:WebAppData\n" + "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    signature = base64.urlsafe_b64encode(KEY.sign(text.encode())).decode().rstrip("=") + padding
    return urlencode({**fields, "signature": signature}, quote_via=quote)


def plain_fields() -> dict[str, str]:
    """What init data says before it is signed."""
    return {"user": json.dumps(ANYA), "auth_date": str(int(time.time())), "query_id": "AAF"}


@pytest.mark.parametrize("padding", ["", "=="])
def test_what_telegram_signed_with_its_own_key_is_believed(padding: str) -> None:
    assert verify(signed_by_telegram(plain_fields(), padding=padding), TOKEN, PUBLIC_KEY).profile.first_name == "Аня"


def test_init_data_that_telegram_signed_for_another_bot_is_not_ours() -> None:
    with pytest.raises(InvalidInitData, match="signature is not right"):
        verify(signed_by_telegram(plain_fields(), bot="99"), TOKEN, PUBLIC_KEY)


def test_a_changed_field_breaks_the_signature() -> None:
    raw = signed_by_telegram(plain_fields())
    with pytest.raises(InvalidInitData, match="signature is not right"):
        verify(raw.replace("query_id=AAF", "query_id=AAG"), TOKEN, PUBLIC_KEY)


def test_a_wrong_hash_is_not_saved_by_a_right_signature() -> None:
    raw = signed_by_telegram(plain_fields()) + "&hash=" + "0" * 64
    with pytest.raises(InvalidInitData, match="hash is not right"):
        verify(raw, TOKEN, PUBLIC_KEY)


@pytest.mark.parametrize("signature", ["", "x", "A" * 86, "A" * 85 + "!", "=" * 86])
def test_what_is_no_signature_is_refused(signature: str) -> None:
    raw = urlencode({**plain_fields(), "signature": signature})
    with pytest.raises(InvalidInitData):
        verify(raw, TOKEN, PUBLIC_KEY)


def test_the_signature_of_genuine_init_data_is_covered_by_its_hash() -> None:
    assert verify(GENUINE, TOKEN, PUBLIC_KEY).profile.chat_id == 7
