"""`nb smoke` and `nb stats` against the real product: everything runs, nobody hears of it, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.smoke.test_junit import assert_valid
from tests.end_to_end.people import Sandbox
from tests.end_to_end.waiting import until
from tests.fixtures.product import PASSED_ON, Product, run_nb

TEST_USER = "4503599627370496"
EVERY_STEP = {"health", "ready", "webhook", "catalogue", "prices", "generation", "cleanup", "ledger"}


def start(product: Product, *arguments: str) -> subprocess.Popen[str]:
    """Start `nb smoke` and do not wait for it."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "smoke", *arguments],
        env={**passed, "NB_HOME": str(product.home), "NB_CONFIG": str(product.home / "config.json")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def smokes(product: Product) -> list[dict[str, Any]]:
    """The generations of the test user."""
    listed: list[dict[str, Any]] = product.nb("gen", "list", "--user", TEST_USER, "--limit", "200")["data"]["items"]
    return listed


def assert_nothing_is_left(product: Product) -> None:
    """Fail when the test user has tokens, a job that runs, or files; or when the books do not agree."""
    balance = product.nb("users", "show", TEST_USER)["data"]["balance"]
    assert (balance["tokens"], balance["held"]) == ("0.00", "0.00")
    for made in smokes(product):
        found = product.nb("gen", "show", made["id"])["data"]
        assert found["status"] in ("done", "error")
        assert not [result for result in found["results"] if (product.home / "media" / result["key"]).exists()]
    assert product.nb("ledger", "verify")["data"]["ok"]


async def test_every_step_passes_and_nothing_is_left(product: Product, sandbox: Sandbox, tmp_path: Path) -> None:
    report = tmp_path / "smoke.xml"
    before = product.nb("stats", "--since", "1h")["data"]
    document = product.nb("smoke", "--wait", "1m", "--junit", str(report))
    states = {step["id"]: step["state"] for step in document["data"]["steps"]}
    assert set(states) > EVERY_STEP
    assert set(states.values()) == {"ok"}
    assert sum(identity.startswith("quote.") for identity in states) > 10
    assert len(list(assert_valid(report.read_text("utf-8")).iter("testcase"))) == len(states)

    made = product.nb("gen", "show", document["data"]["generation"])["data"]
    assert (made["user"], made["status"], made["route"]) == (TEST_USER, "done", "demo")
    assert made["charge"]["state"] == "settled"
    assert [event["event"] for event in made["events"]][-2:] == ["delivered", "files_removed"]
    assert_nothing_is_left(product)
    actions = [event["action"] for event in product.nb("audit", "list", "--limit", "10")["data"]["items"]]
    assert {"smoke.generate", "smoke.clean"} <= set(actions)
    after = product.nb("stats", "--since", "1h")["data"]
    assert (after["total"], after["people"]) == (before["total"], before["people"])
    assert TEST_USER not in str(await sandbox.get("calls"))


async def test_an_interrupted_run_is_put_away(product: Product) -> None:
    before = len(smokes(product)) if product.nb("users", "show", TEST_USER, check=False)["ok"] else 0
    running = start(product)

    async def begun() -> bool:
        return running.poll() is not None or len(smokes(product)) > before

    await until(begun, "the run has ordered its picture")
    running.send_signal(signal.SIGINT)
    await asyncio.to_thread(running.communicate, timeout=60)
    assert running.returncode in (0, 130)
    assert_nothing_is_left(product)


async def test_two_runs_at_once_do_not_disturb_each_other(product: Product) -> None:
    runs = [start(product), start(product)]
    said = [(await asyncio.to_thread(run.communicate, timeout=120))[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert_nothing_is_left(product)


async def test_what_a_person_spends_is_in_the_statistics_and_in_the_chart(
    product: Product, sandbox: Sandbox, tmp_path: Path
) -> None:
    before = product.nb("stats", "--since", "1h")["data"]["total"]
    person = await sandbox.somebody()
    await person.say("a red fox in the snow")
    await person.result()
    product.nb("smoke")
    after = product.nb("stats", "--since", "1h")["data"]["total"]
    assert (after["orders"], after["done"]) == (before["orders"] + 1, before["done"] + 1)
    chart = tmp_path / "chart.svg"
    ran = run_nb(product.home, "stats", "--since", "1h", "--by", "day", "--format", "svg", "--output", str(chart))
    assert (ran.returncode, chart.read_text("utf-8")[:4]) == (0, "<svg")
