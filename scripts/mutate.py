"""Breaks the code of money in every small way and counts the ways that no test notices.

    just mutate                    everything; prints each survivor and the share that was killed
    just mutate --sample 200       that many mutants, chosen by --seed
    just mutate core/ledger        of these files or folders only

It exits with 1 when less than the asked share is killed. Line and change of every survivor are printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

from scripts.mutation import mutants
from scripts.mutation.mutants import Mutant
from scripts.mutation.session import Reach, Session

ASKED = 85.0
TARGETS = {
    "core/ledger": ("tests/core/ledger", "tests/core/payments/test_refunds.py", "tests/defects/jobs"),
    "core/pricing": ("tests/core/pricing", "tests/core/catalog", "tests/defects/jobs"),
    "core/payments/orders.py": ("tests/core/payments/test_orders.py", "tests/defects/money"),
    "core/payments/crediting.py": (
        "tests/core/payments/test_crediting.py",
        "tests/core/payments/test_subscriptions.py",
        "tests/core/payments/test_orders.py",
    ),
    "core/payments/refunds.py": ("tests/core/payments/test_refunds.py",),
    "core/payments/checks.py": ("tests/core/payments/test_checks.py",),
    "core/payments/packages.py": ("tests/core/payments/test_packages.py",),
    "core/payments/gateways/stars.py": ("tests/core/payments/gateways", "tests/core/payments/test_reconciliation.py"),
    "core/generations/orders.py": ("tests/core/generations/test_orders.py", "tests/core/test_repeated_orders.py"),
    "core/generations/endings.py": (
        "tests/core/generations/test_costs.py",
        "tests/core/generations/test_execution.py",
        "tests/core/generations/test_operating.py",
        "tests/core/generations/test_polling.py",
        "tests/core/generations/test_races.py",
        "tests/core/generations/test_results.py",
    ),
    "core/generations/claims.py": (
        "tests/core/generations/test_execution.py",
        "tests/core/generations/test_leases.py",
        "tests/core/generations/test_polling.py",
        "tests/core/generations/test_races.py",
    ),
    "core/generations/cancelling.py": (
        "tests/core/generations/test_leases.py",
        "tests/core/generations/test_operating.py",
        "tests/core/generations/test_races.py",
    ),
    "core/bonuses": ("tests/core/bonuses", "tests/core/payments/test_crediting.py", "tests/defects/money"),
}
"""What is broken, and the tests that ought to notice."""

OPTIONS = ("-q", "-p", "no:cacheprovider", "--timeout", "60", "-W", "ignore")


@dataclass(frozen=True)
class Job:
    """What a worker has to try, by the numbers of the mutants."""

    targets: tuple[str, ...]
    tests: tuple[str, ...]
    numbers: tuple[int, ...]
    reach: Reach | None


def every_mutant(targets: Sequence[str]) -> list[Mutant]:
    """Return the mutants of these files and folders."""
    files: list[Path] = []
    for target in map(Path, targets):
        files += sorted(target.rglob("*.py")) if target.is_dir() else [target] * target.exists()
    return [mutant for file in files for mutant in mutants.of(file)]


def tests_of(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the tests of these targets; all of them for a target that is not one of ours."""
    found: dict[str, None] = {}
    for target in targets:
        ours = [tests for name, tests in TARGETS.items() if target.startswith(name) or name.startswith(target)]
        for tests in ours or TARGETS.values():
            found.update(dict.fromkeys(tests))
    return tuple(test for test in found if Path(test).exists())


def _session(job: Job, told: Connection) -> None:
    """Collect the tests, then try mutants one after the other; without a reach, measure it."""
    with Path(os.devnull).open("w") as nowhere:
        if not os.environ.get("NB_MUTATE_SHOW"):
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
    everything = every_mutant(job.targets)

    def work(session: Session) -> None:
        if job.reach is None:
            session.measure(lambda reach, failed: told.send(("measured", (_plain(reach), failed))))
            return
        session.reach = job.reach
        for number in job.numbers:
            told.send(("tried", (number, session.survives(everything[number]))))

    targets = {mutant.path for mutant in everything}
    pytest.main([*OPTIONS, *job.tests], plugins=[Session(targets, work)])
    told.close()


def _plain(reach: Reach) -> Reach:
    plain = Reach()
    plain.lines = dict(reach.lines)
    plain.seconds = dict(reach.seconds)
    return plain


def start(job: Job) -> Connection:
    """Start a worker and return where it tells."""
    context = multiprocessing.get_context("spawn")
    ear, mouth = context.Pipe(duplex=False)
    context.Process(target=_session, args=(job, mouth)).start()
    mouth.close()
    return ear


def listen(ears: list[Connection], limit: float) -> list[tuple[str, Any]]:
    """Return what workers tell until they have ended or the time is over; print a dot for whoever waits."""
    news: list[tuple[str, Any]] = []
    deadline = time.monotonic() + limit
    while ears and time.monotonic() < deadline:
        for ear in wait(ears, timeout=1.0):
            assert isinstance(ear, Connection)
            try:
                news.append(ear.recv())
            except EOFError:
                ears.remove(ear)
                continue
            if len(news) % 50 == 0:
                print(f"  {len(news)} ...", file=sys.stderr, flush=True)
    return news


def main() -> int:
    """Try mutants, print the survivors and the share that was killed."""
    chosen = _arguments()
    everything = every_mutant(chosen.targets)
    tests = tests_of(chosen.targets)
    numbers = list(range(len(everything)))
    if chosen.sample and chosen.sample < len(numbers):
        numbers = sorted(random.Random(chosen.seed).sample(numbers, chosen.sample))
    print(f"{len(everything)} mutants, {len(numbers)} to try (seed {chosen.seed}); measuring the tests ...", flush=True)
    measured = dict(listen([start(Job(tuple(chosen.targets), tests, (), None))], 1800))
    if "measured" not in measured:
        print("The tests did not start; NB_MUTATE_SHOW=1 shows their output")
        return 2
    reach, failing = measured["measured"]
    for test in failing:
        print(f"left out, since it fails as it is: {test}")
    begin = time.monotonic()
    jobs = [
        Job(tuple(chosen.targets), tests, tuple(numbers[number :: chosen.workers]), reach)
        for number in range(chosen.workers)
    ]
    news = listen([start(job) for job in jobs], chosen.minutes * 60)
    outcomes = {number: survives for kind, (number, survives) in news if kind == "tried"}
    return report(everything, outcomes, time.monotonic() - begin, chosen)


def report(
    everything: list[Mutant], outcomes: dict[int, bool | None], seconds: float, chosen: argparse.Namespace
) -> int:
    """Print what came of the mutants; 1 when too few were killed."""
    tried = {number: survives for number, survives in outcomes.items() if survives is not None}
    survivors = [everything[number] for number, survives in sorted(tried.items()) if survives]
    for survivor in survivors:
        print(f"survived  {survivor.name}")
    files = sorted({everything[number].path for number in tried})
    for file in files:
        of_file = [survives for number, survives in tried.items() if everything[number].path == file]
        print(f"{100 * of_file.count(False) / len(of_file):5.1f} %  {of_file.count(False)}/{len(of_file)}  {file}")
    if not tried:
        print("No mutant was tried")
        return 2
    killed = 100 * (len(tried) - len(survivors)) / len(tried)
    print(
        f"killed {len(tried) - len(survivors)} of {len(tried)} mutants: {killed:.1f} % (asked: {chosen.asked:g} %), "
        f"{len(outcomes) - len(tried)} could not be tried, {seconds:.0f} s"
    )
    if chosen.json:
        Path(chosen.json).write_text(
            json.dumps({"killed": killed, "tried": len(tried), "survivors": [one.name for one in survivors]}, indent=2)
        )
    return 0 if killed >= chosen.asked else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="just mutate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("targets", nargs="*", default=list(TARGETS))
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--minutes", type=float, default=120.0, help="when to stop; what was tried by then counts")
    parser.add_argument("--asked", type=float, default=ASKED, help="per cent")
    parser.add_argument("--json", default="", help="file for the figures")
    chosen = parser.parse_args()
    chosen.targets = chosen.targets or list(TARGETS)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
