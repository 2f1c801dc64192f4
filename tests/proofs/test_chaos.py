"""Half a minute of chaos over the whole product, and proof that the verdict sees what it should see."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from tests.end_to_end.people import Person
from tests.proofs.chaos import SHORT, Plan, prove
from tests.proofs.load import Order
from tests.proofs.verdict import Evidence, judge

PERSON = Person(cast("Any", None), 7, "en")
JOB = {
    "prompt": "a fox k00001",
    "run_code": "r1",
    "slug": "nano-banana",
    "status": "done",
    "stage": "finished",
    "error_code": "",
    "amount": Decimal("0.80"),
    "refunded": Decimal(0),
    "charge_state": "settled",
    "refunds": 0,
    "delivery_attempts": 1,
    "story": '["ordered:", "submitting:", "made:", "stored:", "delivered:"]',
}
REFUNDED = {"status": "error", "charge_state": "refunded", "refunded": Decimal("0.80"), "refunds": 1}
RESULT = {"photo": [], "caption": "Nano Banana a fox k00001"}
MADE = {"prompt": "a fox k00001", "id": "1"}


@pytest.mark.end_to_end
@pytest.mark.timeout(400)
async def test_nothing_is_lost_or_doubled_while_everything_dies(figure: Callable[[str], None]) -> None:
    told: list[str] = []

    verdict = await prove(Plan(seconds=25, people=16, between=(1.5, 5.0), weather=SHORT, drain=120), told.append)

    figure(f"chaos: {told[-1]}, drained in {verdict.figures['drained in']}, {len(verdict.violations)} violations")
    assert not verdict.violations, verdict.as_text()
    assert int(str(verdict.figures["orders"])) > 30
    assert int(str(verdict.figures["done"])) > 15
    assert int(str(verdict.figures["models"])) >= 8
    struck = " ".join(verdict.figures)
    assert all(f"struck: {name}" in struck for name in ("redis", "postgres"))
    assert "worker" in struck
    assert int(str(verdict.figures["calls to vendors that failed"])) > 0


def evidence(*jobs: dict[str, Any], shown: int = 1, made: int = 1, orders: int = 1) -> Evidence:
    """What a quiet run leaves, with jobs, results in the chat and jobs at the vendor as given."""
    order = Order("k00001", PERSON, "nano-banana")
    return Evidence([order] * orders, jobs, {"kie": [MADE] * made}, {7: [RESULT] * shown})


def test_a_quiet_run_has_no_violations() -> None:
    verdict = judge(evidence(JOB))

    assert (verdict.violations, verdict.listed) == ([], [])
    assert verdict.figures == {"orders": 1, "models": 1, "done": 1}
    assert "everything holds" in verdict.as_text()


@pytest.mark.parametrize(
    ("seen", "violation"),
    [
        (lambda: evidence(JOB, JOB), "one wish became 2 jobs"),
        (lambda: evidence({**JOB, "status": "processing", "stage": "storing"}), "still processing at storing"),
        (lambda: evidence({**JOB, "charge_state": "open"}), "its charge is open"),
        (lambda: evidence(JOB, shown=0), "nothing of it is in the chat"),
        (lambda: evidence(JOB, shown=2), "2 times in the chat after 1 tries"),
        (lambda: evidence({**JOB, **REFUNDED}), "its result is in the chat"),
        (lambda: evidence({**JOB, **REFUNDED, "refunds": 2}, shown=0), "0.80 in 2 postings are back"),
        (lambda: evidence({**JOB, **REFUNDED, "refunded": Decimal("0.40")}, shown=0), "0.40 of 0.80"),
        (lambda: evidence(JOB, made=2), "submitted 2 times, to kie, kie"),
        (lambda: evidence(JOB, made=0), "no vendor was asked"),
    ],
)
def test_what_must_not_be_is_seen(seen: Callable[[], Evidence], violation: str) -> None:
    verdict = judge(seen())

    assert any(violation in found for found in verdict.violations), verdict.violations
    assert f"VIOLATION: {verdict.violations[0]}" in verdict.as_text()


@pytest.mark.parametrize("event", ["submission_failed:ambiguous", "lookup:false"])
def test_a_submission_whose_answer_was_lost_is_listed_only(event: str) -> None:
    verdict = judge(evidence({**JOB, "story": f'["ordered:", "{event}"]'}, made=2))

    assert verdict.violations == []
    assert "an answer was lost there" in verdict.listed[0]


def test_a_result_that_nobody_saw_arrive_may_be_there_twice() -> None:
    verdict = judge(evidence({**JOB, "delivery_attempts": 2}, shown=2))

    assert verdict.violations == []
    assert "2 times in the chat" in verdict.listed[0]


def test_a_wish_that_was_refused_costs_nothing() -> None:
    verdict = judge(evidence(shown=0, made=0))

    assert verdict.violations == []
    assert verdict.figures["refused when ordered"] == 1


def test_what_a_vendor_made_for_a_refunded_job_is_counted() -> None:
    verdict = judge(evidence({**JOB, **REFUNDED}, shown=0))

    assert verdict.violations == []
    assert verdict.figures["made for nothing"] == 1
