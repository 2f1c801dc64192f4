"""A pytest session that collects once and then, for each mutant, forks a process that runs the tests which reach it.

PostgreSQL and Redis are started once per session. A forked process has the databases of its tests to itself, since the
session runs one at a time.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from scripts.mutation.grafting import CannotGraft, graft, watch
from scripts.mutation.mutants import Mutant

SHORTEST_LIMIT = 15.0
GIVEN = ("postgres_server", "redis_server", "database_template")
EXIT_CANNOT = 90


@dataclass
class Reach:
    """Which tests run which lines, and how long each takes."""

    lines: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    seconds: dict[str, float] = field(default_factory=dict)

    def of(self, mutant: Mutant) -> list[str]:
        """Tests that reach a mutant, the quickest first; for what runs at import, those that reach its module."""
        path = str(mutant.path)
        wanted = {(path, line) for line in range(mutant.line, mutant.end_line + 1)}
        found = [test for test, lines in self.lines.items() if lines & wanted]
        if not found:
            found = [test for test, lines in self.lines.items() if any(file == path for file, _ in lines)]
        return sorted(found, key=lambda test: self.seconds.get(test, 0.0))


class Session:
    """The plugin. `work` is called once everything is collected, and asks for runs."""

    def __init__(self, targets: set[Path], work: Callable[[Session], None]) -> None:
        self._targets = targets
        self._work = work
        self._given: dict[str, Any] = {}
        self._pytest: pytest.Session
        self._items: dict[str, pytest.Item] = {}
        self.reach = Reach()
        self._current = ""
        self._database_url: Callable[[str], str]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Let the caller work instead of running the tests."""
        if self._given:
            return None
        self._pytest = session
        self._items = {item.nodeid: item for item in session.items}
        with self._servers():
            self._work(self)
        return True

    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: Any) -> Any:  # noqa: ANN401
        """Hand out the servers of this session."""
        if fixturedef.argname not in self._given:
            return None
        value = self._given[fixturedef.argname]
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value

    @contextmanager
    def _servers(self) -> Iterator[None]:
        fixtures = importlib.import_module("tests.fixtures.servers")
        soak = importlib.import_module("tests.core.money.soak")
        with soak.servers() as there:
            self._database_url = there.postgres.url
            self._given = {
                "postgres_server": there.postgres,
                "redis_server": there.redis,
                "database_template": fixtures.TEMPLATE,
            }

            def migrate() -> int:
                asyncio.run(soak.prepare(there, fixtures.TEMPLATE, there.redis.url()))
                return 0

            self._in_a_fork(migrate, 60)
            yield

    def measure(self, tell: Callable[[Reach, list[str]], None]) -> None:
        """Run every test once, in a fork, and tell which lines each runs, and which fail as they are."""

        def run() -> int:
            for path in self._targets:
                watch(path, self._note)
            failed = self._run(list(self._items), goes_on=True)
            for test in failed:
                self.reach.lines.pop(test, None)
            tell(self.reach, failed)
            return 0

        self._in_a_fork(run, 1200)

    def survives(self, mutant: Mutant) -> bool | None:
        """Say whether every test that reaches a mutant passes with it; None when it cannot be tried."""
        tests = self.reach.of(mutant)
        limit = SHORTEST_LIMIT + 3 * sum(self.reach.seconds.get(test, 0.1) for test in tests)

        def run() -> int:
            try:
                graft(mutant.path, mutant.tree())
            except CannotGraft:
                return EXIT_CANNOT
            return len(self._run(tests)[:1])

        code = self._in_a_fork(run, limit)
        self._drop_databases()
        return None if code == EXIT_CANNOT else code == 0

    def _run(self, tests: list[str], *, goes_on: bool = False) -> list[str]:
        """Run tests, to the first that fails where nothing else is said, and return those that failed."""
        failed: list[str] = []
        config = self._pytest.config
        chosen = [self._items[test] for test in tests]

        class Listener:
            def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
                if report.failed:
                    failed.append(report.nodeid)

        config.pluginmanager.register(Listener())
        for item, following in zip(chosen, [*chosen[1:], None], strict=True):
            self._current, begin = item.nodeid, time.perf_counter()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            self.reach.seconds[item.nodeid] = time.perf_counter() - begin
            if failed and not goes_on:
                break
        return failed

    def _note(self, path: str, first: int, last: int) -> None:
        self.reach.lines[self._current].update((path, line) for line in range(first, last + 1))

    def _in_a_fork(self, run: Callable[[], int], limit: float) -> int:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = run()
            finally:
                os._exit(code)
        deadline = time.monotonic() + limit
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return 1
            time.sleep(0.005)

    def _drop_databases(self) -> None:
        """Forget the databases of a process that was stopped in the middle of a test."""

        async def drop() -> None:
            connection = await asyncpg.connect(self._database_url("postgres"))
            try:
                for row in await connection.fetch(r"SELECT datname FROM pg_database WHERE datname LIKE 'test\_%'"):
                    await connection.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
            finally:
                await connection.close()

        asyncio.run(drop())
