"""Generations over the Mini App's API: what is ordered is charged once, and nobody sees or stops what is not theirs."""

from __future__ import annotations

import asyncio
import io
import secrets
from decimal import Decimal
from typing import Any

import httpx
import pytest
from PIL import Image

from core import catalog, db, generations, ledger, providers, users
from core.generations import execution
from core.storage import storage
from tests.core.generations.conftest import make_due
from tests.core.http.app.people import Visitor
from tests.core.http.app.test_contract import check

pytestmark = pytest.mark.integration

FOX = {"model": "nano-banana", "prompt": "a red fox in the snow"}


async def balance(visitor: Visitor) -> str:
    """What a person has, as the API tells it."""
    return str((await visitor.get("/me")).json()["balance"])


async def made(run_code: str) -> None:
    """Have a worker take the job as far as it goes, and the bot deliver it."""
    for _ in range(8):
        generation = await generations.get(run_code)
        if generation.status.is_final:
            return
        if generation.stage is generations.Stage.DELIVERING:
            await generations.claim_delivery(run_code)
            await generations.record_delivery(run_code, [7])
            return
        await make_due(generation)
        await execution.advance(run_code)


async def upload(visitor: Visitor, *, state: str = "ready", size: tuple[int, int] = (64, 48)) -> str:
    """Keep a picture as an upload of a person and return its code."""
    user = await users.get(visitor.id)
    assert user is not None
    code = secrets.token_hex(8)
    buffer = io.BytesIO()
    Image.new("RGB", size, "orange").save(buffer, "JPEG")
    await storage().put(f"uploads/{code}.jpg", buffer.getvalue(), mime="image/jpeg")
    await db.execute(
        """
        INSERT INTO botapp_upload (code, user_id, state, key, mime, size, width, height)
        VALUES ($1, $2, $3, $4, 'image/jpeg', $5, $6, $7)
        """,
        code,
        user.id,
        state,
        f"uploads/{code}.jpg",
        len(buffer.getvalue()),
        *size,
    )
    return code


async def edit(slug: str, change: str) -> None:
    """Edit a model as an operator may."""
    await db.execute(f"UPDATE botapp_aimodel SET {change} WHERE slug = $1", slug)
    catalog.configure(providers.names())


async def test_an_order_is_charged_and_queued(mia: Visitor) -> None:
    answer = await mia.post("/generations", {**FOX, "params": {"quantity": 2}, "agreed": "1.60"})

    body = answer.json()
    assert answer.status_code == 201
    check("/generations", "post", answer)
    assert (body["status"], body["stage"], body["price"], body["refunded"]) == ("queued", "queued", "1.60", "0.00")
    assert (body["queue_place"], body["ordered"], body["can_cancel"]) == (1, 2, True)
    assert (body["results"], body["preview"], body["follow_ups"], body["error"]) == ([], None, [], None)
    assert body["params"] == {"quantity": 2}
    assert body["usual_seconds"] > 0
    assert await balance(mia) == "48.40"


async def test_a_finished_generation_has_links_that_anybody_can_open_and_follow_ups_with_prices(mia: Visitor) -> None:
    code = (await mia.post("/generations", FOX)).json()["run_code"]
    await made(code)

    answer = await mia.get(f"/generations/{code}")

    check("/generations/{run_code}", "get", answer)
    body = answer.json()
    assert (body["status"], body["stage"], body["queue_place"], body["can_cancel"]) == ("done", "finished", None, False)
    (result,) = body["results"]
    assert (result["number"], result["mime"], result["text"]) == (1, "image/jpeg", None)
    assert result == body["preview"]
    async with httpx.AsyncClient(base_url=mia.http.base_url, trust_env=False) as stranger:
        picture = await stranger.get(httpx.URL(result["url"]).raw_path.decode())
    assert picture.status_code == 200
    assert (result["bytes"], Image.open(io.BytesIO(picture.content)).size) == (
        len(picture.content),
        (result["width"], result["height"]),
    )
    offered = {(offer["kind"], offer["model"]): offer for offer in body["follow_ups"]}
    assert offered["animate", "demo-video"]["price"] == str((await quote(mia, "demo-video"))["tokens"])


async def quote(visitor: Visitor, model: str) -> Any:
    """What a model costs with its defaults."""
    return (await visitor.post("/quote", {"model": model})).json()


async def test_a_follow_up_is_ordered_as_it_is_offered(mia: Visitor) -> None:
    fast = {**FOX, "prompt": "[slow 0] a red fox"}
    code = (await mia.post("/generations", fast)).json()["run_code"]
    await made(code)
    offer = next(one for one in (await mia.get(f"/generations/{code}")).json()["follow_ups"])

    answer = await mia.post(
        "/generations",
        {
            "model": offer["model"],
            "params": offer["params"],
            "agreed": offer["price"],
            "parent": code,
            "continuation": {"kind": offer["kind"]},
        },
    )

    body = answer.json()
    assert answer.status_code == 201, body
    assert (body["price"], body["parent"], body["prompt"]) == (offer["price"], code, fast["prompt"])
    assert body["continuation"] == {"kind": offer["kind"], "number": 1}
    await made(body["run_code"])
    film = (await mia.get(f"/generations/{body['run_code']}")).json()
    assert film["results"][0]["mime"] == "video/mp4"
    assert film["results"][0]["seconds"] > 0


async def test_one_key_is_one_generation_however_often_it_is_tapped(mia: Visitor) -> None:
    answers = await asyncio.gather(*(mia.post("/generations", FOX, key="double-tap") for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["run_code"] for answer in answers}) == 1
    assert await balance(mia) == "49.20"


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "a blue fox"},
        {"model": "nano-banana-pro"},
        {"params": {"quantity": 2}},
        {"params": {"aspect_ratio": "16:9"}},
        {"prompt": ""},
    ],
)
async def test_one_key_with_another_content_is_a_conflict_and_costs_nothing(mia: Visitor, other: Any) -> None:
    await mia.post("/generations", FOX, key="the-same-key")

    answer = await mia.post("/generations", {**FOX, **other}, key="the-same-key")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert await balance(mia) == "49.20"


async def test_keys_of_two_people_never_meet(mia: Visitor, max_: Visitor) -> None:
    first = await mia.post("/generations", FOX, key="the-same-key")
    second = await max_.post("/generations", FOX, key="the-same-key")

    assert first.status_code == second.status_code == 201
    assert first.json()["run_code"] != second.json()["run_code"]


async def test_uploads_are_the_inputs_in_their_order_and_roles(mia: Visitor) -> None:
    await mia.get("/me")
    first, second = await upload(mia), await upload(mia, size=(32, 32))
    body = {**FOX, "inputs": [{"upload": second}, {"upload": first, "role": "image"}]}

    answer = await mia.post("/generations", body)

    generation = await generations.get(answer.json()["run_code"])
    assert [(file.key, file.width, file.role) for file in generation.images] == [
        (f"uploads/{second}.jpg", 32, "image"),
        (f"uploads/{first}.jpg", 64, "image"),
    ]
    repeat = await mia.get(f"/generations/{generation.run_code}/repeat")
    check("/generations/{run_code}/repeat", "get", repeat)
    assert [given["upload"] for given in repeat.json()["inputs"]] == [second, first]


async def test_a_repeated_call_gets_its_generation_though_the_upload_is_gone(mia: Visitor) -> None:
    await mia.get("/me")
    code = await upload(mia)
    body = {**FOX, "inputs": [{"upload": code}]}
    first = await mia.post("/generations", body, key="with-a-photo")
    other = await mia.post("/generations", {**body, "inputs": [{"upload": await upload(mia)}]}, key="with-a-photo")
    await db.execute("UPDATE botapp_upload SET state = 'removed'")

    again = await mia.post("/generations", body, key="with-a-photo")

    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert (again.status_code, again.json()["run_code"]) == (201, first.json()["run_code"])
    assert await balance(mia) == "49.20"


async def test_uploads_of_others_and_unfinished_ones_are_not_there(mia: Visitor, max_: Visitor) -> None:
    await asyncio.gather(mia.get("/me"), max_.get("/me"))
    codes = [await upload(max_), await upload(mia, state="expected"), "0" * 16]

    answer = await mia.post("/generations", {**FOX, "inputs": [{"upload": code} for code in codes]})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_upload")
    assert [error["param"] for error in answer.json()["errors"]] == [f"inputs.{n}.upload" for n in range(3)]
    assert await balance(mia) == "50.00"


REFUSED: list[tuple[dict[str, Any], int, str, dict[str, Any]]] = [
    ({"model": "nano-bananna"}, 404, "unknown_model", {}),
    ({"prompt": " \n "}, 422, "empty_prompt", {}),
    ({"prompt": "x" * 4001}, 422, "prompt_too_long", {"limit": 4000, "length": 4001}),
    ({"params": {"quantity": 9}}, 422, "invalid_params", {}),
    ({"params": {"smell": "roses"}}, 422, "invalid_params", {}),
    ({"agreed": "0.79"}, 409, "price_changed", {"price": "0.80"}),
    ({"parent": "0" * 32}, 409, "parent_unusable", {}),
    ({"continuation": {"kind": "vary"}}, 409, "parent_unusable", {}),
    ({"source_url": "file:///etc/passwd"}, 422, "link_not_supported", {}),
    ({"source_url": "http://user:secret@example.com/"}, 422, "link_not_supported", {}),
]


@pytest.mark.parametrize(("change", "status", "code", "told"), REFUSED)
async def test_what_is_refused_says_why_and_costs_nothing(
    mia: Visitor, change: dict[str, Any], status: int, code: str, told: dict[str, Any]
) -> None:
    answer = await mia.post("/generations", {**FOX, **change})

    check("/generations", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
    assert {name: answer.json()[name] for name in told} == told
    assert await balance(mia) == "50.00"
    assert await db.fetch_value("SELECT count(*) FROM botapp_genrequest") == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "nano-banana", "prompt": 7},
        {**FOX, "user_id": 1},
        {**FOX, "price": "0.01"},
        {**FOX, "agreed": "NaN"},
        {**FOX, "agreed": -1},
        {**FOX, "agreed": "1e999"},
        {**FOX, "inputs": [{}]},
        {**FOX, "inputs": [{"upload": "x", "role": "boss"}]},
        {**FOX, "inputs": [{"upload": "x"}] * 17},
        {**FOX, "inputs": "x"},
        {**FOX, "continuation": {"kind": "explode"}},
        {**FOX, "continuation": {"kind": "vary", "number": 0}},
        {**FOX, "params": [1]},
    ],
)
async def test_what_is_no_order_is_answered_as_such(mia: Visitor, body: Any) -> None:
    answer = await mia.post("/generations", body)

    check("/generations", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"]


async def test_missing_tokens_are_counted(mia: Visitor) -> None:
    await edit("nano-banana", "base_cost_usd = 2")

    answer = await mia.post("/generations", FOX)

    check("/generations", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_tokens")
    told = {name: answer.json()[name] for name in ("balance", "needed", "missing")}
    assert told == {"balance": "50.00", "needed": "80.00", "missing": "30.00"}


async def test_a_retired_model_names_its_successor_before_anything_is_charged(mia: Visitor) -> None:
    await edit("nano-banana", "retires_at = now() - interval '1 day', successor = 'nano-banana-pro'")

    answer = await mia.post("/generations", FOX)

    assert (answer.status_code, answer.json()["code"]) == (409, "model_unavailable")
    assert answer.json()["successor"] == "nano-banana-pro"
    assert await balance(mia) == "50.00"


async def test_limits_are_told_with_their_numbers(mia: Visitor) -> None:
    for _ in range(3):
        await mia.post("/generations", FOX)
    running = await mia.post("/generations", FOX)
    await db.execute("UPDATE botapp_genrequest SET status = 'done', stage = 'finished'")
    await edit("nano-banana", "cooldown_seconds = 600")
    pause = await mia.post("/generations", FOX)
    await edit("nano-banana", "cooldown_seconds = 0, daily_limit = 3")
    today = await mia.post("/generations", FOX)

    assert (running.status_code, running.json()["code"], running.json()["limit"]) == (409, "too_many_running", 3)
    assert (pause.status_code, pause.json()["code"]) == (429, "cooldown_active")
    assert pause.headers["retry-after"] == str(pause.json()["seconds"])
    assert (today.status_code, today.json()["code"], today.json()["limit"]) == (409, "daily_limit_reached", 3)
    assert await balance(mia) == "47.60"


async def test_an_input_that_does_not_fit_names_its_role(mia: Visitor) -> None:
    await mia.get("/me")
    answer = await mia.post("/generations", {**FOX, "inputs": [{"upload": await upload(mia), "role": "mask"}]})
    most = await mia.post("/generations", {**FOX, "inputs": [{"upload": await upload(mia)} for _ in range(6)]})

    assert (answer.status_code, answer.json()["code"], answer.json()["role"]) == (422, "input_mismatch", "mask")
    assert (most.status_code, most.json()["code"], most.json()["limit"]) == (422, "too_many_images", 5)


async def test_what_is_not_made_here_is_refused_with_its_category(mia: Visitor) -> None:
    answer = await mia.post("/generations", {**FOX, "prompt": "child porn"})

    check("/generations", "post", answer)
    assert (answer.status_code, answer.json()["code"]) == (422, "content_refused")
    assert answer.json()["category"]
    assert await balance(mia) == "50.00"


async def test_cancelling_gives_the_tokens_back_once(mia: Visitor) -> None:
    code = (await mia.post("/generations", FOX)).json()["run_code"]

    answers = [await mia.post(f"/generations/{code}/cancel", None) for _ in range(2)]

    for answer in answers:
        check("/generations/{run_code}/cancel", "post", answer)
        assert (answer.json()["status"], answer.json()["refunded"]) == ("cancelled", "0.80")
    assert await balance(mia) == "50.00"


async def test_what_is_made_cannot_be_cancelled(mia: Visitor) -> None:
    code = (await mia.post("/generations", FOX)).json()["run_code"]
    await made(code)

    answer = await mia.post(f"/generations/{code}/cancel", None)

    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_cancel")
    assert await balance(mia) == "49.20"


async def test_generations_of_others_are_not_there(mia: Visitor, max_: Visitor) -> None:
    code = (await mia.post("/generations", FOX)).json()["run_code"]
    await made(code)

    for other in (code, code.upper(), "0" * 32, "1", "%27"):
        for answer in (
            await max_.get(f"/generations/{other}"),
            await max_.get(f"/generations/{other}/repeat"),
            await max_.post(f"/generations/{other}/cancel", None),
        ):
            assert answer.status_code == 404, answer.text
            assert "fox" not in answer.text
    follow = {"model": "demo-video", "parent": code, "continuation": {"kind": "animate"}}
    assert (await max_.post("/generations", follow)).json()["code"] == "parent_unusable"
    assert (await max_.get("/generations")).json() == {"items": [], "next_cursor": None}
    assert (await mia.get(f"/generations/{code}")).json()["status"] == "done"


async def test_the_list_comes_in_pages_the_newest_first(mia: Visitor) -> None:
    orders = [await mia.post("/generations", {**FOX, "prompt": f"fox {number}"}) for number in range(3)]
    codes = [order.json()["run_code"] for order in orders]
    await made(codes[0])

    first = await mia.get("/generations?limit=2")
    second = await mia.get(f"/generations?limit=2&cursor={first.json()['next_cursor']}")

    for answer in (first, second):
        check("/generations", "get", answer)
    items = [*first.json()["items"], *second.json()["items"]]
    assert [item["run_code"] for item in items] == codes[::-1]
    assert second.json()["next_cursor"] is None
    assert [item["preview"] is not None for item in items] == [False, False, True]
    wrong = await mia.get("/generations?cursor=17")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_cursor")


async def test_a_failure_is_told_by_its_code_with_the_refund_and_never_by_the_vendors_words(mia: Visitor) -> None:
    code = (await mia.post("/generations", {**FOX, "prompt": "[fail content_blocked] a fox"})).json()["run_code"]
    await made(code)

    body = (await mia.get(f"/generations/{code}")).json()

    assert (body["status"], body["error"], body["refunded"]) == ("error", "content_blocked", "0.80")
    assert "demonstration" not in str(body)
    assert await balance(mia) == "50.00"


async def test_a_partial_result_says_what_was_ordered_and_refunded(mia: Visitor) -> None:
    order = {**FOX, "prompt": "[partial] a fox", "params": {"quantity": 4}}
    code = (await mia.post("/generations", order)).json()["run_code"]
    await made(code)

    body = (await mia.get(f"/generations/{code}")).json()

    assert (body["ordered"], len(body["results"]), body["price"], body["refunded"]) == (4, 3, "3.20", "0.80")
    assert await balance(mia) == "47.60"


async def test_a_repeat_is_a_body_that_can_be_ordered(mia: Visitor) -> None:
    code = (await mia.post("/generations", {**FOX, "params": {"aspect_ratio": "16:9"}})).json()["run_code"]

    body = (await mia.get(f"/generations/{code}/repeat")).json()
    again = {name: body[name] for name in ("model", "prompt", "params", "source_url", "parent", "continuation")}
    answer = await mia.post("/generations", {**again, "agreed": body["price"]})

    assert answer.status_code == 201
    assert (answer.json()["params"], answer.json()["parent"]) == (body["params"], code)
    assert (body["is_available"], Decimal(body["price"])) == (True, Decimal("0.80"))


async def test_files_that_were_removed_have_no_link_and_no_follow_ups(mia: Visitor) -> None:
    code = (await mia.post("/generations", FOX)).json()["run_code"]
    await made(code)
    await db.execute("UPDATE botapp_genrequest SET files_removed_at = now()")

    body = (await mia.get(f"/generations/{code}")).json()

    assert (body["results"][0]["url"], body["follow_ups"]) == (None, [])
    follow = {"model": "demo-video", "parent": code, "continuation": {"kind": "animate"}}
    assert (await mia.post("/generations", follow)).json()["code"] == "parent_unusable"


async def test_an_order_needs_init_data_of_the_last_hour_and_a_key(mia: Visitor) -> None:
    old = await mia.post("/generations", FOX, age=4000)
    headers = mia.signed()
    keyless = await mia.http.post("/api/app/v1/generations", json=FOX, headers=headers)

    assert (old.status_code, old.json()["code"]) == (401, "init_data_expired")
    assert (keyless.status_code, keyless.json()["code"]) == (400, "missing_idempotency_key")


async def test_the_ledger_agrees_with_everything_that_was_ordered(mia: Visitor) -> None:
    for prompt in ("a fox", "[fail invalid_request] a fox", "[partial] a fox"):
        order = {**FOX, "prompt": prompt, "params": {"quantity": 2}}
        await made((await mia.post("/generations", order)).json()["run_code"])

    assert await balance(mia) == "47.60"
    report = await ledger.verify()
    assert report.ok, report.problems
