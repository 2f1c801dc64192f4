"""The steps that only read: does the right commit answer, is it ready, do webhook, catalogue, prices and books hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from cli.client import OpsClient
from cli.commits import same_commit, short
from cli.errors import UpstreamFault
from cli.fixes import completed
from cli.smoke.trial import Failed, Pending, StepEnded
from cli.wire import Health, LedgerReport, ModelPage, Quote, Readiness
from cli.wire_models import CatalogueCheck
from cli.wire_prices import PriceList
from cli.wire_webhook import Webhook

INTERVAL = 1.0
"""Seconds between two questions while something is waited for."""

LEDGER_TIMEOUT = 60.0
"""Seconds: a million postings take some."""

QUARANTINE = "unmatched_payment"
"""Money that fits no order waits for an operator; the books hold all the same."""

CENT = Decimal("0.01")


class HealthStep:
    """The service answers, as who it should be, with the expected commit. Remembers which one that was."""

    def __init__(self, client: OpsClient, expected: str | None, deadline: float) -> None:
        self._client = client
        self._expected = expected
        self.deadline = deadline
        self.commit: str | None = None

    def __call__(self) -> str:
        """Ask until it is so or the time is over."""
        return until(self._look, self.deadline)

    def _look(self) -> str:
        name = self._client.target.name
        found = self._client.read(Health, self._client.get("/api/health", authenticated=False))
        self.commit = found["commit"]
        if found["environment"] != name:
            words = f"the address of {name} answers as {found['environment']}"
            raise Failed(words, "correct the address in nb.toml")
        if not found["ok"]:
            raise Failed("says that it is not healthy", f"nb ready --env {name}")
        if self._expected is not None and not same_commit(found["commit"], self._expected):
            words = f"runs commit {short(found['commit'])}, not {short(self._expected)}"
            raise Pending(words, f"nb deploy why {short(self._expected)} --env {name}")
        return f"version {found['version']}, commit {short(found['commit'])}"


def ready(client: OpsClient, deadline: float) -> str:
    """Everything that the service needs works."""

    def look() -> str:
        answer = client.get("/api/ready", accept=(200, 503), authenticated=False)
        checks = client.read(Readiness, answer).get("checks", [])
        bad = [check for check in checks if check["state"] != "ok" and check.get("level") != "noted"]
        if bad or answer.status != 200:
            words = ", ".join(f"{check['id']} {check['state']}: {check['detail']}" for check in bad)
            fix = next((check["fix"] for check in bad if check["fix"]), "nb ready")
            raise Failed(words or "the service says that it is not ready", completed(fix, client.target.name))
        return f"{len(checks)} checks"

    return until(look, deadline)


def webhook(client: OpsClient) -> str:
    """Telegram sends updates here, and gets them through."""
    found = client.read(Webhook, client.get("/api/ops/v1/webhook"))
    bad = [check for check in found["checks"] if check["state"] != "ok"]
    if bad:
        words = ", ".join(f"{check['id']} {check['state']}: {check['detail']}" for check in bad)
        raise Failed(words, f"nb webhook check --env {client.target.name}")
    return f"{len(found['checks'])} checks"


def catalogue(client: OpsClient) -> str:
    """What the catalogue offers can be."""
    report = client.read(CatalogueCheck, client.get("/api/ops/v1/catalogue/check"))
    if not report["ok"]:
        bad = [finding for finding in report["findings"] if finding["level"] == "failed"]
        words = ", ".join(f"{finding['subject']} {finding['kind']}" for finding in bad[:5])
        raise Failed(words or "it says no more", f"nb catalog check --env {client.target.name}")
    return f"{report['models']} models"


class Prices:
    """The models that can be ordered, and what the list says that they cost as they come."""

    def __init__(self, client: OpsClient) -> None:
        self._client = client
        self._listed: dict[str, str] = {}

    def read(self) -> str:
        """Read the list."""
        page = self._client.read(ModelPage, self._client.get("/api/ops/v1/models"))
        active = {model["slug"] for model in page["items"] if model["is_active"] and not model.get("retired")}
        prices = self._client.read(PriceList, self._client.get("/api/ops/v1/prices"))
        self._listed = {
            price["slug"]: price["orders"][0]["tokens"]
            for price in prices["items"]
            if price["slug"] in active and price["orders"]
        }
        missing = active - set(self._listed)
        if missing:
            raise Failed(f"no price is listed for {', '.join(sorted(missing))}", "nb pricing check")
        if not active:
            raise Failed("no model is active", "nb models list")
        return f"{len(active)} active models"

    def models(self) -> list[str]:
        """Their slugs."""
        return list(self._listed)

    def quote(self, slug: str) -> str:
        """Quote a model with its defaults: the price is the listed one, and what cost, markup and rate make."""
        found = self._client.read(Quote, self._client.post("/api/ops/v1/pricing/quote", {"model": slug, "params": {}}))
        if found["tokens"] != self._listed[slug]:
            words = f"quoted at {found['tokens']} ⚡, listed at {self._listed[slug]} ⚡"
            raise Failed(words, f"nb pricing show {slug} --env {self._client.target.name}")
        made = Decimal(found["usd"]) * Decimal(found["rate"]) * Decimal(found["markup"])
        made = max(made.quantize(CENT, rounding=ROUND_HALF_UP), CENT)
        if Decimal(found["tokens"]) != made:
            raise Failed(f"quoted at {found['tokens']} ⚡, which is not cost × markup × rate ({made} ⚡)")
        return f"{found['tokens']} ⚡"


def ledger(client: OpsClient) -> str:
    """The books agree."""
    patient = OpsClient(client.target, timeout=max(client.timeout, LEDGER_TIMEOUT))
    report = patient.read(LedgerReport, patient.get("/api/ops/v1/ledger/verify"))
    bad = [problem for problem in report["problems"] if problem["kind"] != QUARANTINE]
    if bad or (not report["ok"] and not report["problems"]):
        words = ", ".join(f"{problem['kind']} of {problem['subject']}" for problem in bad[:5])
        raise Failed(words or "it says that the books do not agree", f"nb ledger verify --env {client.target.name}")
    return f"{report['postings']} postings agree"


def until(look: Callable[[], str], deadline: float) -> str:
    """Look until it is well, or until the deadline: then what was last is the answer."""
    while True:
        pause = INTERVAL
        try:
            return look()
        except (StepEnded, UpstreamFault) as bad:
            if isinstance(bad, UpstreamFault):
                pause = max(INTERVAL, bad.retry_after or 0)
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
