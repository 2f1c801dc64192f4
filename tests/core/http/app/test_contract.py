"""What the API answers is what its description says: statuses, types and shapes, for sense and for nonsense alike."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from core.http.app.api import api
from core.payments import gateways
from tests.bot.sandbox.conftest import TOKEN
from tests.core.http.app.people import Visitor
from tests.core.payments.till import Till

pytestmark = pytest.mark.integration

DOCUMENT = api.document("1.2.3")
PREFIX = "/api/app/v1"
ASKED = {
    "/orders": ("package", "gateway", "amount"),
    "/quote": ("model", "params", "user_id"),
    "/generations": ("model", "prompt", "params", "inputs", "source_url", "parent", "continuation", "agreed"),
}
ORDER = {"package": "tokens-100", "gateway": "till"}

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "nano-banana",
    "tokens-100",
    "stars",
    "till",
    "0" * 32,
    "a\x00b",
    "🦊" * 200,
    "' OR 1=1 --",
    "../../etc/passwd",
    [],
    ["x"],
    {},
    {"quantity": 2},
    {"quantity": "2", "x": None},
)


def check(path: str, method: str, answer: httpx.Response) -> None:
    """Fail when an answer is none that the description knows."""
    operation: Mapping[str, Any] = DOCUMENT["paths"][PREFIX + path][method]
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{method} {path} does not say that it answers {answer.status_code}: {answer.text}"
    (media, content), *_ = described["content"].items()
    assert answer.headers["content-type"] == media
    validator = Draft202012Validator({**content["schema"], "components": DOCUMENT["components"]})
    errors = [error.message for error in validator.iter_errors(answer.json())]
    assert not errors, errors


@pytest.fixture
def till(client: httpx.AsyncClient) -> Till:
    """A second way to pay."""
    gateway = Till()
    gateways.use(gateway)
    return gateway


@pytest.mark.usefixtures("till")
async def test_every_answer_has_its_shape(mia: Visitor) -> None:
    order = await mia.post("/orders", ORDER)
    check("/orders", "post", order)
    check("/quote", "post", await mia.post("/quote", {"model": "nano-banana"}))
    for path in ("/me", "/models", "/history", "/packages", "/orders"):
        check(path, "get", await mia.get(path))
    check("/models/{slug}", "get", await mia.get("/models/nano-banana"))
    check("/orders/{code}", "get", await mia.get(f"/orders/{order.json()['code']}"))


@pytest.mark.usefixtures("till")
@pytest.mark.parametrize("seed", range(4))
async def test_nonsense_is_answered_as_described(client: httpx.AsyncClient, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        # Another person for each round: nobody is to be told that they ask too often.
        visitor = Visitor(client, TOKEN)
        for path, names in ASKED.items():
            body: Any = {name: chance.choice(ODD) for name in names if chance.random() < 0.7}
            body = chance.choice([body, body, body, chance.choice(ODD)])
            check(path, "post", await visitor.post(path, body))
        query = {name: str(chance.choice(ODD)) for name in ("limit", "cursor", "user_id") if chance.random() < 0.6}
        for path in ("/history", "/orders", "/generations", "/me"):
            check(path, "get", await client.get(PREFIX + path, params=query, headers=visitor.signed()))


@pytest.mark.parametrize(
    "path", ["/me", "/models", "/history", "/packages", "/orders", "/orders/{code}", "/generations"]
)
@pytest.mark.parametrize("proof", [None, "tma broken", "Bearer nbk_x"])
async def test_whoever_is_not_known_is_answered_as_described(
    client: httpx.AsyncClient, path: str, proof: str | None
) -> None:
    headers = {} if proof is None else {"Authorization": proof}

    check(path, "get", await client.get(PREFIX + path.replace("{code}", "0" * 32), headers=headers))


async def test_other_methods_are_not_taken(mia: Visitor) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = await mia.http.request(method, f"{PREFIX}/orders", headers=mia.signed())
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_answers_are_not_kept_by_anybody_in_between(mia: Visitor) -> None:
    answer = await mia.get("/me")

    assert answer.headers["cache-control"] == "no-store"
    assert json.loads(answer.text)["id"] == str(mia.id)
