"""`nb pricing` and `nb ledger`: what it costs and whether it adds up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.commands.pricing import parse_params
from cli.errors import UsageMistake
from tests.cli.conftest import Runner
from tests.cli.emulator import Emulator


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ([], {}),
        (["n=2"], {"n": 2}),
        (["sound=true"], {"sound": True}),
        (["seed=null"], {"seed": None}),
        (["resolution=2K"], {"resolution": "2K"}),
        (["ratio=16:9"], {"ratio": "16:9"}),
        (["text=a=b"], {"text": "a=b"}),
        (["text="], {"text": ""}),
        (["x=NaN"], {"x": "NaN"}),
        (["list=[1, 2]"], {"list": [1, 2]}),
        (["n=1.50"], {"n": 1.5}),
        (['text="2"'], {"text": "2"}),
    ],
)
def test_a_value_is_json_where_it_is_and_text_otherwise(given: list[str], params: dict[str, Any]) -> None:
    assert parse_params(given) == params


@pytest.mark.parametrize("given", [["n"], ["=2"], ["n=1", "n=2"], [""]])
def test_a_param_without_a_name_or_given_twice_is_refused(given: list[str]) -> None:
    with pytest.raises(UsageMistake):
        parse_params(given)


@pytest.mark.integration
def test_a_quote_is_what_the_service_says(nb: Runner, service: Emulator) -> None:
    ran = nb("pricing", "quote", "demo-image", "--param", "n=2", "--param", "resolution=2K", "--json")
    assert (ran.code, ran.data["tokens"], ran.data["usd"]) == (0, "8.00", "0.20")
    assert json.loads(service.requests[0][3]) == {"model": "demo-image", "params": {"n": 2, "resolution": "2K"}}


@pytest.mark.integration
def test_people_see_how_the_price_comes_about(nb: Runner, service: Emulator) -> None:
    out = nb("pricing", "quote", "demo-image").out
    assert "demo-image: 8.00 ⚡\n" in out
    assert "USD 0.20" in out
    assert "resolution 2K" in out


@pytest.mark.integration
def test_an_unknown_model_is_not_found(nb: Runner, service: Emulator) -> None:
    ran = nb("pricing", "quote", "nope", "--json")
    assert (ran.code, ran.error["code"]) == (3, "model_not_found")


@pytest.mark.integration
def test_an_unknown_option_of_a_model_is_a_usage_error(nb: Runner, service: Emulator) -> None:
    ran = nb("pricing", "quote", "demo-image", "--param", "colour=red", "--json")
    assert (ran.code, ran.error["code"]) == (2, "invalid_params")
    assert "colour" in ran.error["message"]


@pytest.mark.integration
def test_models_are_listed_with_their_lowest_price(nb: Runner, service: Emulator) -> None:
    service.models += [
        {**service.models[0], "slug": "off", "is_active": False},
        {**service.models[0], "slug": "keyless", "available": False},
    ]
    ran = nb("pricing", "list")
    assert [line.split()[-1] for line in ran.out.splitlines()[1:]] == ["yes", "off", "now"]
    assert len(nb("pricing", "list", "--json").data["items"]) == 3


@pytest.mark.integration
def test_prices_come_in_pages_although_the_service_gives_all(nb: Runner, service: Emulator) -> None:
    service.models = [{**service.models[0], "slug": slug} for slug in "abcde"]
    seen, following = [], ["pricing", "list", "--limit", "2", "--json"]
    while following:
        ran = nb(*following)
        seen.append([item["slug"] for item in ran.data["items"]])
        following = [*ran.document["next"][0]["cmd"].split()[1:], "--json"] if ran.document["next"] else []
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    assert nb("pricing", "list", "--cursor", "z", "--json").error["code"] == "bad_cursor"


@pytest.mark.integration
def test_an_empty_catalogue_says_how_to_load_it(nb: Runner, service: Emulator) -> None:
    service.models = []
    assert "nb up" in nb("pricing", "list").out


@pytest.mark.integration
def test_a_ledger_that_adds_up(nb: Runner, service: Emulator) -> None:
    assert nb("ledger", "verify", "--json").data["postings"] == 12
    assert "ledger adds up: 3 users, 12 postings" in nb("ledger", "verify").out


@pytest.mark.integration
def test_a_ledger_with_problems_fails_and_lists_them(nb: Runner, service: Emulator) -> None:
    finding = {"kind": "balance", "subject": "user 7", "detail": "balance 5.00, statement 4.00"}
    service.ledger |= {"ok": False, "problems": [finding]}
    ran = nb("ledger", "verify", "--json")
    assert (ran.code, ran.error["code"], ran.data["problems"]) == (1, "ledger_problems", [finding])
    assert "balance 5.00, statement 4.00" in nb("ledger", "verify").out


@pytest.mark.integration
def test_a_payment_in_quarantine_is_no_disagreement_but_fails_too(nb: Runner, service: Emulator) -> None:
    waiting = {"kind": "unmatched_payment", "subject": "payment 7f3a91c0", "detail": "5 RUB over lava in quarantine"}
    service.ledger |= {"ok": False, "problems": [waiting]}
    ran = nb("ledger", "verify", "--json")
    assert (ran.code, ran.error["code"]) == (1, "payments_in_quarantine")
    assert "--status quarantined" in ran.error["fix"]
    assert "ledger adds up, payments are in quarantine: 3 users" in nb("ledger", "verify").out
    service.ledger |= {"problems": [waiting, {"kind": "balance", "subject": "user 7", "detail": "5.00, 4.00"}]}
    assert nb("ledger", "verify", "--json").error["code"] == "ledger_problems"


@pytest.mark.integration
def test_an_ok_with_problems_is_not_believed(nb: Runner, service: Emulator) -> None:
    service.ledger |= {"problems": [{"kind": "k", "subject": "s", "detail": "d"}]}
    assert nb("ledger", "verify", "--json").code == 1


@pytest.mark.integration
@pytest.mark.parametrize("arguments", [("pricing", "quote", "demo-image"), ("pricing", "list"), ("ledger", "verify")])
def test_nobody_there_is_an_upstream_fault(nb: Runner, nobody: str, arguments: tuple[str, ...]) -> None:
    ran = nb(*arguments, "--json")
    assert (ran.code, ran.error["code"]) == (75, "unreachable")
