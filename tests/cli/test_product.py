"""`nb` against the real service: every command that asks, and what an operator sees of an order."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from cli import schema_files
from scripts import accounting
from tests.fixtures.product import Product, run_nb

pytestmark = pytest.mark.end_to_end

PERSON = 880_100_001
FRIEND = 880_100_002


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """The document's data, after the committed schema has passed."""
    schema = schema_files.committed(document["command"])
    assert schema is not None
    jsonschema.validate(document, schema)
    data: dict[str, Any] = document["data"]
    return data


@pytest.mark.parametrize(
    "command",
    [
        ("health",),
        ("ready", "--wait", "30s"),
        ("status",),
        ("doctor",),
        ("gen", "list"),
        ("pricing", "list"),
        ("ledger", "verify"),
        ("context", "show"),
    ],
    ids=" ".join,
)
def test_every_command_succeeds_on_a_running_product(product: Product, command: tuple[str, ...]) -> None:
    document = product.nb(*command)
    checked(document)
    assert document["ok"] is True
    assert document["error"] is None


@pytest.mark.parametrize("command", [("health",), ("ready",), ("status",), ("doctor",), ("gen", "list")], ids=" ".join)
def test_people_get_words_without_colour_off_a_terminal(product: Product, command: tuple[str, ...]) -> None:
    done = run_nb(product.home, *command)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_what_nb_up_said_passes_its_schema(product: Product) -> None:
    again = product.nb("up")
    assert checked(again)["already_running"] is True
    assert again["data"]["web"] == product.web


def test_a_price_is_the_same_in_the_list_and_in_a_quote(product: Product) -> None:
    for model in checked(product.nb("pricing", "list"))["items"]:
        quote = checked(product.nb("pricing", "quote", model["slug"]))
        assert quote["tokens"] == model["price_from"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("gen", "show", "nope"), 3),
        (("pricing", "quote", "nope"), 3),
        (("pricing", "quote", "nano-banana", "--param", "nope=1"), 2),
        (("gen", "list", "--status", "nope"), 2),
        (("gen", "list", "--user", "somebody"), 2),
        (("gen", "list", "--cursor", "nope"), 2),
        (("health", "--expect-commit", "0000000"), 1),
    ],
)
def test_what_is_wrong_has_its_exit_code(product: Product, command: tuple[str, ...], code: int) -> None:
    document = product.nb(*command, check=False)
    assert (document["exit_code"], document["ok"]) == (code, False)
    assert document["error"]["message"]


def test_a_token_that_is_not_valid_is_refused_and_not_shown(product: Product) -> None:
    done = run_nb(product.home, "gen", "list", "--json", NB_TOKEN_LOCAL="nbk_this_is_no_token")
    assert done.returncode == 4
    assert "nbk_this" not in done.stdout + done.stderr


def test_an_order_is_seen_by_the_operator_and_the_ledger_adds_up(product: Product) -> None:
    with httpx.Client(base_url=f"{product.sandbox}/sandbox/v1", timeout=30) as telegram:
        telegram.post("/users", json={"id": PERSON, "first_name": "Ann", "language_code": "en"}).raise_for_status()
        for text in ("/start", "a red fox in the snow"):
            telegram.post(f"/chats/{PERSON}/messages", json={"text": text}).raise_for_status()
    listed = _until_done(product)
    shown = checked(product.nb("gen", "show", listed["id"]))
    assert shown["prompt"] == "a red fox in the snow"
    assert (shown["charge"]["state"], shown["charge"]["tokens"]) == ("settled", listed["tokens"])
    assert shown["results"][0]["mime"].startswith("image/")
    assert [event["event"] for event in shown["events"]][-1] == "delivered"
    assert checked(product.nb("ledger", "verify"))["ok"] is True


def test_what_an_operator_gives_shows_everywhere(product: Product, tmp_path: Path) -> None:
    with httpx.Client(base_url=f"{product.sandbox}/sandbox/v1", timeout=30) as telegram:
        telegram.post("/users", json={"id": FRIEND, "first_name": "Bob", "username": "bob_880"}).raise_for_status()
        telegram.post(f"/chats/{FRIEND}/messages", json={"text": "/start"}).raise_for_status()
    _until_welcomed(product)
    why = ("--reason", "ticket 4711", "--key", "product-test-1")
    for _ in range(2):
        given = checked(product.nb("users", "credit", "@bob_880", "25.50", *why))
        assert given["balance"] == "75.50"
    refused = product.nb("users", "debit", str(FRIEND), "75.51", "--reason", "too much", check=False)
    assert (refused["exit_code"], refused["error"]["rule"]) == (5, "balance_is_never_negative")
    lines = checked(product.nb("ledger", "statement", str(FRIEND)))["items"]
    assert [(line["amount"], line["reason"]) for line in lines] == [("25.50", "ticket 4711"), ("50.00", "welcome")]
    assert checked(product.nb("audit", "list", "--subject", str(FRIEND)))["items"][0]["reason"] == "ticket 4711"
    assert checked(product.nb("users", "show", "@bob_880"))["balance"]["tokens"] == "75.50"
    journal = tmp_path / "books.journal"
    checked(product.nb("ledger", "export", "--format", "hledger", "--output", str(journal)))
    assert _hledger(journal, "check", "--strict") == ""
    assert f"-75.50 TOKEN  Liabilities:Users:{FRIEND}" in _hledger(journal, "balance", "--flat", str(FRIEND))
    assert checked(product.nb("ledger", "verify"))["ok"] is True


def _until_welcomed(product: Product) -> None:
    deadline = time.monotonic() + 60
    while product.nb("users", "show", str(FRIEND), check=False)["exit_code"] != 0:
        assert time.monotonic() < deadline, "the bot has not answered"


def _hledger(journal: Path, *arguments: str) -> str:
    program = accounting.find_hledger()
    assert program is not None, "hledger is missing; install it with: ./run just accounting"
    done = subprocess.run([program, "--file", str(journal), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _until_done(product: Product) -> dict[str, Any]:
    """The order of the person, once it is done; the service itself is what is waited for."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        items = checked(product.nb("gen", "list", "--user", str(PERSON)))["items"]
        if items and items[0]["status"] == "done" and not items[0]["stage"].startswith("deliver"):
            found: dict[str, Any] = items[0]
            return found
    raise AssertionError(json.dumps(items))
