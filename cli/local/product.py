"""What `nb up` runs on this machine: which processes, with which environment, in which steps."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cli.local import ports, postgres, redis, webapps
from cli.local.choices import USUAL_PORTS, Choices, require_server, without_password
from cli.local.emulation import SOURCE, Emulation
from cli.local.home import Home, Secrets, read_json
from cli.local.http_probe import Answer, get
from cli.local.identity import RUN_VARIABLE, ProcessIdentity, end_sessions
from cli.local.journal import Journal
from cli.local.launch import Launch, LocalError
from cli.local.preparation import Preparation
from cli.local.state import Addresses, Phase, RunState
from cli.local.steps import Plan, Planned, Watcher
from cli.local.supervisor import Service, Supervisor

READY_LIMIT = 60.0
DATABASE_FORGIVENESS = 5
"""A server that was killed a moment ago may need several tries: what it shared with its sessions goes away late."""


class Product:
    """One run of the product. The caller holds the home's lock from before `start` until after `stop`."""

    def __init__(self, home: Home, choices: Choices, watcher: Watcher) -> None:
        self.home = home
        self.choices = choices
        self.watcher = watcher
        self.run = uuid.uuid4().hex
        self.journal = Journal(home.log("nb"), self.run)
        self._last = RunState.load(home)
        self._state = RunState(Phase.STARTING, self.run, ProcessIdentity.of(os.getpid()), time.time())
        self._supervisor = Supervisor([], home, self.journal, self._save)
        self._emulation: Emulation | None = None
        self._secrets: Secrets
        self._preparation: Preparation
        self._answer: Answer | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    @property
    def addresses(self) -> Addresses:
        """Where things are; known once the first step is done."""
        assert self._state.addresses is not None
        return self._state.addresses

    async def start(self) -> None:
        """Go through the steps.

        Raises:
            LocalError: a step failed. What was started runs on until `stop`.
        """
        await Plan(self._plan(), self.watcher).run()
        self._enter(Phase.READY)
        self.journal.write("info", f"ready at {self.addresses.web}")

    async def stop(self, final: Phase = Phase.STOPPED) -> None:
        """Stop everything in order and say so in the state."""
        self._enter(Phase.STOPPING)
        await self._supervisor.stop()
        self._state = replace(self._state, supervisor=None)
        self._enter(final)

    def kill(self) -> None:
        """End everything at once."""
        self._supervisor.kill()
        self._state = replace(self._state, supervisor=None)
        self._enter(Phase.STOPPED)

    def _enter(self, phase: Phase) -> None:
        self._state = replace(self._state, phase=phase)
        self._save()

    def _save(self) -> None:
        replace(self._state, processes=self._supervisor.records()).save(self.home)

    def _plan(self) -> Sequence[Planned]:
        telegram = "Telegram" if self.choices.is_telegram_given else "sandbox Telegram"
        emulators = ("emulators",) if self.choices.emulate else ()
        servers = ("catalogue", "Redis", telegram, *emulators)
        return (
            Planned("data folder", self._prepare_folder),
            Planned("PostgreSQL", self._start_postgres, after=("data folder",)),
            Planned("Redis", self._start_redis, after=("data folder",)),
            Planned("migrations", self._migrate, after=("PostgreSQL",)),
            Planned("catalogue", self._sync_catalogue, after=("migrations",)),
            Planned(telegram, self._start_telegram, after=("data folder",)),
            *(Planned(title, self._start_emulators, after=("data folder",)) for title in emulators),
            *([Planned("Mini App", self._build_webapps, after=("data folder",))] if webapps.are_here() else ()),
            Planned("web", self._start_web, after=servers),
            Planned("worker", self._start_worker, after=servers),
            Planned("beat", self._start_beat, after=servers),
            Planned("ready", self._wait_until_ready, after=("web", "worker", "beat")),
        )

    async def _prepare_folder(self) -> str:
        leftovers = await asyncio.to_thread(self._end_last_run)
        is_new = self.home.create()
        self._put_old_logs_aside()
        self._secrets = self.home.secrets()
        if self.choices.emulate:
            self._emulation = await asyncio.to_thread(
                Emulation, self.choices.environment, self.choices.emulate_failures
            )
        emulated = self._emulation.usual_ports if self._emulation else {}
        wanted = {service: self.choices.ports.get(service) for service in (*self.choices.embedded, *emulated)}
        remembered = self._last.ports if self._last else {}
        chosen = ports.choose(wanted, remembered, {**USUAL_PORTS, **emulated})
        self._state = replace(self._state, ports={**remembered, **chosen}, addresses=self._addresses(chosen))
        self._supervisor = Supervisor(self._services(chosen), self.home, self.journal, self._save)
        self._preparation = Preparation(self._launch("prepare"), self.home.log("prepare"))
        self._save()
        said = str(self.home.root) + (", new" if is_new else "")
        return f"ended {leftovers} left from before; {said}" if leftovers else said

    def _end_last_run(self) -> int:
        """End what a supervisor that was killed could not stop. Processes of others are never touched."""
        if self._last is None:
            return 0
        leaders = [record.identity for record in self._last.processes if record.identity is not None]
        return len(end_sessions(leaders, self._last.run))

    def _put_old_logs_aside(self) -> None:
        """Begin every run with empty logs, and keep those of the run before."""
        for log in self.home.logs.glob("*.log"):
            if log != self.journal.path:
                log.replace(log.with_name(f"{log.name}.1"))

    def _addresses(self, chosen: Mapping[str, int]) -> Addresses:
        web = self.choices.environment.get("PUBLIC_BASE_URL") if self.choices.is_telegram_given else None
        web = f"http://{ports.HOST}:{chosen['web']}" if not web else web.rstrip("/")
        sandbox = f"http://{ports.HOST}:{chosen['sandbox']}" if "sandbox" in chosen else None
        return Addresses(
            web=web,
            sandbox=sandbox,
            chat=f"{sandbox}/" if sandbox else None,
            console=f"{web}/console/",
            database=without_password(self._database_url(chosen)),
            redis=without_password(self._redis_url(chosen)),
            emulators=self._emulation.addresses(chosen, ports.HOST) if self._emulation else {},
        )

    def _postgres(self, chosen: Mapping[str, int]) -> postgres.PostgresServer:
        return postgres.PostgresServer(
            self.home.postgres_data, chosen["postgres"], self._secrets.postgres_password, postgres.SAFE
        )

    def _redis(self, chosen: Mapping[str, int]) -> redis.RedisServer:
        return redis.RedisServer(self.home.redis_data, chosen["redis"], self._secrets.redis_password, redis.SAFE)

    def _database_url(self, chosen: Mapping[str, int]) -> str:
        return self.choices.database_url or self._postgres(chosen).url()

    def _redis_url(self, chosen: Mapping[str, int]) -> str:
        return self.choices.redis_url or self._redis(chosen).url()

    def _services(self, chosen: Mapping[str, int]) -> list[Service]:
        """Every process of this run, in the order in which they are stopped."""
        services = [
            Service("beat", lambda: self._launch("beat"), self._is_heard("beat")),
            Service("worker", lambda: self._launch("worker"), self._is_heard("worker")),
            Service(
                "web", lambda: self._launch("web"), self._answers(f"http://{ports.HOST}:{chosen['web']}/api/health")
            ),
        ]
        if self.choices.is_polling:
            services.insert(2, Service("poller", lambda: self._launch("poller"), self._is_heard("poller")))
        if "sandbox" in chosen:
            services.append(
                Service(
                    "sandbox",
                    lambda: self._launch("sandbox"),
                    self._answers(f"http://{ports.HOST}:{chosen['sandbox']}/"),
                )
            )
        if self._emulation:
            urls = [f"{address}/emulator/calls" for address in self.addresses.emulators.values()]
            services.append(Service("emulators", self._launch_emulators, self._all_answer(urls)))
        if "redis" in chosen:
            services.append(self._redis_service(self._redis(chosen)))
        if "postgres" in chosen:
            services.append(self._postgres_service(self._postgres(chosen)))
        return services

    def _redis_service(self, server: redis.RedisServer) -> Service:
        return Service(
            "redis",
            lambda: self._marked(server.launch(redis.find_program())),
            lambda: asyncio.to_thread(server.is_answering),
            patience=DATABASE_FORGIVENESS,
        )

    def _postgres_service(self, server: postgres.PostgresServer) -> Service:
        def launch() -> Launch:
            server.forget_dead_server()
            return self._marked(server.launch(postgres.find_programs()))

        return Service(
            "postgres",
            launch,
            lambda: asyncio.to_thread(server.is_answering),
            patience=DATABASE_FORGIVENESS,
        )

    def _launch(self, name: str) -> Launch:
        argv = self.choices.commands[name]
        if name == "sandbox":
            argv = (*argv, "--port", str(self._state.ports["sandbox"]))
        return Launch(argv=argv, environment=self.environment())

    def _launch_emulators(self) -> Launch:
        assert self._emulation is not None
        argv = (
            *self.choices.commands["emulators"],
            *self._emulation.arguments(self.addresses.emulators, self.addresses.web),
        )
        path = os.pathsep.join(part for part in (str(SOURCE), self.choices.environment.get("PYTHONPATH")) if part)
        return Launch(argv=argv, environment={**self.environment(), "PYTHONPATH": path})

    def _marked(self, launch: Launch) -> Launch:
        return replace(launch, environment={**launch.environment, RUN_VARIABLE: self.run})

    def environment(self) -> dict[str, str]:
        """Return what every process of ours is told. A person's own variables pass through; ours win."""
        given = self.choices.environment
        # What configures `nb` itself, a token for production perhaps, is no business of the processes.
        passed = {name: value for name, value in given.items() if not name.startswith("NB_")}
        port = self._state.ports
        return {
            "DEMO_PROVIDER": "true",
            # Our own server is reached directly; only a pooler between would forbid prepared statements.
            **({} if self.choices.database_url else {"DATABASE_STATEMENT_CACHE": "100"}),
            **passed,
            **ports.around_the_proxy(given),
            **self._telegram(),
            **(self._emulation.environment(self.addresses.emulators) if self._emulation else {}),
            RUN_VARIABLE: self.run,
            "NB_ENVIRONMENT": "local",
            "NB_COMMIT": given.get("NB_COMMIT") or _commit(),
            "NB_HOME": str(self.home.root),
            "DATABASE_URL": self._database_url(port),
            "REDIS_URL": self._redis_url(port),
            "PUBLIC_BASE_URL": self.addresses.web,
            "HOST": ports.HOST,
            "PORT": str(port["web"]),
            "LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }

    def _telegram(self) -> dict[str, str]:
        updates = "polling" if self.choices.is_polling else "webhook"
        secret = self.choices.environment.get("TG_WEBHOOK_SECRET") or self._secrets.webhook_secret
        if self.choices.is_telegram_given:
            return {"TELEGRAM_UPDATES": updates, "TG_WEBHOOK_SECRET": secret}
        return {
            "TELEGRAM_UPDATES": updates,
            "TG_WEBHOOK_SECRET": secret,
            "TELEGRAM_BOT_TOKEN": self._secrets.telegram_token,
            "TELEGRAM_API_BASE_URL": self.addresses.sandbox or "",
        }

    async def _start_postgres(self) -> str:
        if self.choices.database_url:
            await require_server("DATABASE_URL", self.choices.database_url, ("postgresql", "postgres"), 5432)
            return f"{self.addresses.database}, from DATABASE_URL"
        server = self._postgres(self._state.ports)
        programs = await asyncio.to_thread(postgres.find_programs)
        is_new = await asyncio.to_thread(server.initialize, programs)
        await self._supervisor.start("postgres")
        return f"{programs.version} on port {server.port}" + (", new" if is_new else "")

    async def _start_redis(self) -> str:
        if self.choices.redis_url:
            await require_server("REDIS_URL", self.choices.redis_url, ("redis", "rediss"), 6379)
            return f"{self.addresses.redis}, from REDIS_URL"
        await self._supervisor.start("redis")
        return f"on port {self._state.ports['redis']}"

    async def _migrate(self) -> str:
        await self._preparation.begin()
        applied = await self._preparation.result_of("migrations")
        return f"{applied} applied" if applied != "0" else "up to date"

    async def _sync_catalogue(self) -> str:
        said = await self._preparation.result_of("catalogue")
        await self._preparation.result_of("token")
        return said

    async def _start_telegram(self) -> str:
        if self.choices.is_telegram_given:
            return "the real one" + (", by polling" if self.choices.is_polling else "")
        await self._supervisor.start("sandbox")
        return f"on port {self._state.ports['sandbox']}"

    async def _start_emulators(self) -> str:
        assert self._emulation is not None
        await self._supervisor.start("emulators")
        failing = f"; {self._emulation.failures} of 100 calls fail" if self._emulation.failures else ""
        return f"{', '.join(self.addresses.emulators)}{failing}"

    async def _build_webapps(self) -> str:
        # The chat does everything that the Mini App does: a build that fails is no reason not to start.
        return await webapps.build_beside(self.home.log("webapps"), self.choices.environment)

    async def _start_web(self) -> str:
        await self._supervisor.start("web")
        return f"on port {self._state.ports['web']}"

    async def _start_worker(self) -> str:
        await self._supervisor.start("worker")
        return ""

    async def _start_beat(self) -> str:
        await self._supervisor.start("beat")
        return ""

    async def _wait_until_ready(self) -> str:
        if self.choices.is_polling:
            await self._supervisor.start("poller")
        deadline = time.monotonic() + READY_LIMIT
        while True:
            answer = await self._ask_web("/api/ready")
            if answer is not None and answer.status == 200:
                return f"{time.time() - self._state.started_at:.1f} s after the start"
            if time.monotonic() > deadline:
                raise LocalError(
                    f"not ready within {READY_LIMIT:.0f} s: {_explain(answer)}",
                    fix=f"`nb ready --env local` says more; the logs are in {self.home.logs}.",
                    service="web",
                )
            await asyncio.sleep(0.1)

    def _answers(self, url: str) -> Callable[[], Awaitable[bool]]:
        async def ask() -> bool:
            answer = await get(url)
            return answer is not None and answer.status == 200

        return ask

    def _all_answer(self, urls: Sequence[str]) -> Callable[[], Awaitable[bool]]:
        asks = [self._answers(url) for url in urls]

        async def ask() -> bool:
            return all(await asyncio.gather(*(each() for each in asks)))

        return ask

    def _is_heard(self, kind: str) -> Callable[[], Awaitable[bool]]:
        """A process without a port is there when web sees the heartbeat of this very process, not of an earlier one."""

        async def ask() -> bool:
            identity = self._supervisor.supervised[kind].identity
            answer = await self._status()
            processes = answer.body.get("processes", []) if answer else []
            return identity is not None and any(
                process.get("kind") == kind and str(process.get("instance", "")).endswith(f":{identity.pid}")
                for process in processes
            )

        return ask

    async def _status(self) -> Answer | None:
        """Ask web for its processes, at most ten times a second however many want to know."""
        async with self._asking:
            if time.monotonic() - self._asked_at > 0.1:
                self._answer = await self._ask_web("/api/ops/v1/status")
                self._asked_at = time.monotonic()
            return self._answer

    async def _ask_web(self, path: str) -> Answer | None:
        url = f"http://{ports.HOST}:{self._state.ports['web']}{path}"
        return await get(url, token=local_token(self.home), timeout=5.0)


def _explain(answer: Answer | None) -> str:
    if answer is None:
        return "web does not answer"
    failed = [check for check in answer.body.get("checks", []) if check.get("state") != "ok"]
    said = "; ".join(f"{check.get('id')}: {check.get('detail') or check.get('state')}" for check in failed)
    return said or f"/api/ready answers {answer.status}"


def local_token(home: Home) -> str | None:
    """Return the ops token of this machine's service, if one was made."""
    entry = read_json(home.credentials_file).get("local")
    token = entry.get("token") if isinstance(entry, dict) else None
    return token if isinstance(token, str) else None


def _commit() -> str:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return answer.stdout.strip()
