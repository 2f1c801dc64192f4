"""What must hold after the storm, asked of the books, the chats and the vendors instead of the product.

A vendor that lost an answer and cannot be asked may have made something twice or for nothing; that is counted and
listed.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.end_to_end.people import Sandbox, text_of
from tests.proofs.load import Order

Row = Mapping[str, Any]

FINAL = ("done", "error", "cancelled")
JOBS = """
    SELECT generation.*, model.slug, charge.amount, charge.refunded, charge.state AS charge_state,
        (SELECT count(*) FROM botapp_transaction AS posting
            WHERE posting.related_transaction_id = generation.transaction_id AND posting.type = 'refund') AS refunds,
        (SELECT coalesce(jsonb_agg(event.event || ':' || coalesce(event.detail ->> 'code', '')
            || coalesce(event.detail ->> 'found', '') ORDER BY event.id), '[]')
            FROM botapp_genevent AS event WHERE event.generation_id = generation.id) AS story
    FROM botapp_genrequest AS generation
    JOIN botapp_aimodel AS model ON model.id = generation.ai_model_id
    JOIN botapp_charge AS charge ON charge.transaction_id = generation.transaction_id ORDER BY generation.id
"""
MEDIA = {"photo", "video", "document"}
LOST = ("submission_failed:ambiguous", "lookup:", "lookup:false")
"""What stands in the story of a job whose submission may have arrived without anybody seeing it."""


@dataclass
class Verdict:
    """What was found."""

    violations: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    """What cannot be known from outside, or is no defect, and is told all the same."""

    def as_text(self) -> str:
        """Return a table for people."""
        width = max(map(len, self.figures), default=0) + 2
        lines = [f"{name.ljust(width)}{value}" for name, value in self.figures.items()]
        lines += ["", *(f"listed: {line}" for line in self.listed)] if self.listed else []
        lines += ["", *(f"VIOLATION: {line}" for line in self.violations)]
        lines.append("everything holds" if not self.violations else f"{len(self.violations)} violations")
        return "\n".join(lines)


@dataclass(frozen=True)
class Evidence:
    """Everything that is looked at: one look each, after the last job has ended."""

    orders: Sequence[Order]
    jobs: Sequence[Row]
    vendors: Mapping[str, Sequence[Row]]
    """Jobs that each vendor accepted."""
    shown: Mapping[int, Sequence[Row]]
    """The bot's messages in each chat."""


async def collect(sandbox: Sandbox, orders: Sequence[Order]) -> Evidence:
    """Look at everything."""
    vendors = {}
    for name, address in sandbox.product.data["emulators"].items():
        if name != "lava":
            vendors[name] = (await sandbox.http.get(f"{address}/emulator/jobs")).json()["jobs"]
    people = {order.person.id: order.person for order in orders}
    shown = {}
    for number, person in people.items():
        shown[number] = [one for one in await person.messages(after=0) if one["from"]["is_bot"]]
    return Evidence(orders, await sandbox.records.fetch(JOBS), vendors, shown)


def judge(evidence: Evidence) -> Verdict:
    """Compare what was ordered, made, handed over and paid."""
    verdict = Verdict()
    by_mark = _by_mark((order.mark for order in evidence.orders), evidence.jobs, lambda job: str(job["prompt"]))
    outcomes: Counter[str] = Counter()
    for order in evidence.orders:
        jobs = by_mark[order.mark]
        if not jobs:
            outcomes["refused when ordered"] += 1
        elif len(jobs) > 1:
            verdict.violations.append(f"{order.mark}: one wish became {len(jobs)} jobs")
        for job in jobs:
            outcomes[job["status"] if job["status"] != "error" else f"refunded: {job['error_code']}"] += 1
            _judge_money(verdict, order, job)
            _judge_delivery(verdict, order, job, evidence.shown[order.person.id])
            _judge_vendors(verdict, order, job, evidence.vendors)
    made = Counter(str(job["slug"]) for job in evidence.jobs)
    verdict.figures |= {"orders": len(evidence.orders), "models": len(made), **dict(sorted(outcomes.items()))}
    return verdict


def _by_mark(marks: Iterable[str], jobs: Sequence[Row], words_of: Any) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    known = set(marks)
    for job in jobs:
        for word in words_of(job).split():
            if word in known:
                found[word].append(job)
    return found


def _judge_money(verdict: Verdict, order: Order, job: Row) -> None:
    where = f"{order.mark} ({order.model}, {job['run_code']})"
    if job["status"] not in FINAL:
        verdict.violations.append(f"{where}: still {job['status']} at {job['stage']}")
    elif job["status"] == "done":
        if job["charge_state"] != "settled" or job["refunded"] >= job["amount"]:
            verdict.violations.append(f"{where}: delivered, and its charge is {job['charge_state']}")
    elif job["refunded"] != job["amount"] or job["charge_state"] != "refunded" or job["refunds"] != 1:
        returned = f"{job['refunded']} of {job['amount']} in {job['refunds']} postings"
        verdict.violations.append(f"{where}: {job['error_code'] or job['status']}, and {returned} are back")


def _judge_delivery(verdict: Verdict, order: Order, job: Row, messages: Sequence[Row]) -> None:
    """The words stand under each result; an album has them once."""
    where = f"{order.mark} ({order.model}, {job['run_code']})"
    results = [one for one in messages if MEDIA & one.keys() and order.mark in text_of(dict(one)).split()]
    if job["status"] == "done" and not results:
        verdict.violations.append(f"{where}: done, and nothing of it is in the chat")
    if job["status"] in ("error", "cancelled") and results and job["error_code"] != "undeliverable":
        verdict.violations.append(f"{where}: refunded, and its result is in the chat")
    if len(results) > 1:
        told = f"{where}: {len(results)} times in the chat after {job['delivery_attempts']} tries"
        # A try that nobody saw the end of is made again; one that ended well is not.
        is_known = len(results) <= job["delivery_attempts"]
        (verdict.listed if is_known else verdict.violations).append(told)


def _judge_vendors(verdict: Verdict, order: Order, job: Row, vendors: Mapping[str, Sequence[Row]]) -> None:
    where = f"{order.mark} ({order.model}, {job['run_code']})"
    accepted = [(name, made) for name, jobs in vendors.items() for made in jobs if order.mark in made["prompt"].split()]
    story = json.loads(job["story"])
    is_lost = any(event in LOST for event in story)
    if len(accepted) > 1:
        names = ", ".join(name for name, _ in accepted)
        if is_lost:
            verdict.listed.append(f"{where}: accepted by {names}; an answer was lost there")
        else:
            verdict.violations.append(f"{where}: submitted {len(accepted)} times, to {names}: {story}")
    if not accepted and job["status"] == "done":
        verdict.violations.append(f"{where}: delivered, and no vendor was asked")
    if accepted and job["status"] == "error":
        verdict.figures["made for nothing"] = int(str(verdict.figures.get("made for nothing", 0))) + 1


async def books(sandbox: Sandbox) -> list[str]:
    """Return what `nb ledger verify` complains of, and balances that are not the sum of their postings."""
    verified = await asyncio.to_thread(sandbox.product.nb, "ledger", "verify", check=False)
    problems = [] if verified["ok"] and verified["data"]["ok"] else [f"ledger: {verified['data'] or verified['error']}"]
    rows = await sandbox.records.fetch(
        "SELECT kept.user_id, kept.balance, coalesce(sum(posting.amount), 0) AS total FROM botapp_userbalance AS kept"
        " LEFT JOIN botapp_transaction AS posting ON posting.user_id = kept.user_id GROUP BY kept.user_id, kept.balance"
    )
    return problems + [
        f"user {row['user_id']} has {row['balance']}, and the postings say {row['total']}"
        for row in rows
        if row["balance"] != row["total"] or row["balance"] < Decimal(0)
    ]
