"""All emulators as one process, and calls that go wrong by chance."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from PIL import Image

from tests.emulators import media
from tests.emulators.__main__ import EMULATORS
from tests.emulators.bad_days import KINDS, BadDays
from tests.emulators.kie import KieEmulator
from tests.emulators.service import serve

KEY = "key-of-the-tests"


@asynccontextmanager
async def process(*arguments: str, **keys: str) -> AsyncIterator[dict[str, str]]:
    """Run them and yield their addresses."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.emulators", *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **keys},
    )
    try:
        assert running.stdout is not None
        async with asyncio.timeout(60):
            yield json.loads(await running.stdout.readline())["addresses"]
    finally:
        running.terminate()
        await running.communicate()
    assert running.returncode == 0


@pytest.mark.integration
async def test_one_process_serves_them_all_and_takes_the_products_keys() -> None:
    async with process("--seconds", "0", KIE_API_KEY=KEY) as addresses, httpx.AsyncClient(trust_env=False) as http:
        assert set(addresses) == set(EMULATORS)
        for address in addresses.values():
            assert (await http.get(f"{address}/emulator/calls")).json() == {"calls": []}

        async def ordered(key: str) -> int:
            answer = await http.post(
                f"{addresses['kie']}/api/v1/mj/generate",
                json={"taskType": "mj_txt2img", "prompt": "a fox"},
                headers={"Authorization": f"Bearer {key}"},
            )
            return int(answer.json()["code"])

        assert (await ordered("another"), await ordered(KEY)) == (401, 200)
        jobs = (await http.get(f"{addresses['kie']}/emulator/jobs")).json()["jobs"]
        assert [(job["prompt"], job["kind"]) for job in jobs] == [("a fox", "mj_txt2img")]


@pytest.mark.integration
async def test_a_share_of_calls_goes_wrong_and_the_rest_goes_well() -> None:
    emulator = KieEmulator(key=KEY)
    emulator.bad_days = BadDays(30, seed=7)
    outcomes: Counter[str] = Counter()
    async with serve(emulator) as address, httpx.AsyncClient(trust_env=False) as http:
        for number in range(200):
            try:
                answer = await http.post(
                    f"{address}/api/v1/mj/generate",
                    json={"taskType": "mj_txt2img", "prompt": f"fox {number}"},
                    headers={"Authorization": f"Bearer {KEY}"},
                )
                outcomes[str(answer.json()["code"])] += 1
            except httpx.TransportError:
                outcomes["cut"] += 1

    assert set(outcomes) == {"200", "429", "500", "503", "cut"}
    assert 120 <= outcomes["200"] <= 160
    # Some of those whose line was cut were accepted all the same.
    lost = len(emulator.jobs) - outcomes["200"]
    assert 0 < lost < outcomes["cut"]


def test_the_same_seed_gives_the_same_days() -> None:
    first, second, other = (BadDays(50, seed) for seed in (1, 1, 2))
    days = [[each.draw() for _ in range(100)] for each in (first, second, other)]

    assert days[0] == days[1] != days[2]
    assert set(days[0]) == {"", *KINDS}


def test_without_a_share_nothing_goes_wrong() -> None:
    assert {BadDays().draw() for _ in range(1000)} == {""}


@pytest.mark.parametrize("share", [-1, 101])
def test_a_share_is_a_percentage(share: float) -> None:
    with pytest.raises(ValueError, match="no percentage"):
        BadDays(share)


async def test_pictures_follow_the_words_and_not_the_orders_in_them() -> None:
    plain, ordered, other = [
        await media.picture(words) for words in ("a fox in the snow", "a fox in the snow #polls=2 --ar 1:1", "the sea")
    ]

    assert plain == ordered != other
    with Image.open(io.BytesIO(plain)) as image:
        assert image.size == media.SIZES["1:1"]


async def test_a_picture_is_signed_with_the_model() -> None:
    assert await media.picture("a fox", label="kie · mj_txt2img") != await media.picture("a fox")


async def test_a_film_is_as_long_as_was_ordered_within_reason() -> None:
    short, long = [await media.film("waves", seconds=seconds) for seconds in (1.0, 60.0)]

    assert len(short) < len(long)
    assert await media.film("waves #twice", seconds=3.0) == long
