"""The processes of the service, each in the foreground: `nb serve`, `worker`, `beat`, `bot poll`, and `nb db`.

Railway and `nb up` start them. What a process needs is imported here, when it starts, and nowhere else in `nb`.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from cli.envelope import Outcome, Problem
from cli.errors import CommandFailed, Conflict, NotAuthenticated, NotFound, UpstreamFault, UsageMistake
from cli.exit_codes import ExitCode
from cli.groups import new_group
from cli.invocation import current
from cli.output import Screen

if TYPE_CHECKING:
    from cli.shapes import MigrateData
    from core.seeding import Seeded
    from core.settings import Settings

T = TypeVar("T")

bot = new_group("Run the bot where Telegram cannot push updates.")
db = new_group("Migrate and check the database.")


def serve() -> None:
    """Run the web process on HOST:PORT until it is told to stop.

    Examples:
        nb serve
        PORT=9000 HOST=0.0.0.0 nb serve
    """
    settings = _settings()
    from core.http.server import run

    _start(run, settings)


def worker() -> None:
    """Run a worker process until it is told to stop.

    Examples:
        nb worker
        CELERY_WORKER_CONCURRENCY=8 nb worker
    """
    settings = _settings()
    from core.queue.worker import run

    _start(run, settings)


def beat() -> None:
    """Run the scheduler process until it is told to stop. Several may run; one is active.

    Examples:
        nb beat
        nb beat -v
    """
    settings = _settings()
    from core.queue.beat import run

    _start(run, settings)


@bot.command("poll")
def poll() -> None:
    """Fetch updates from Telegram and hand them over, until told to stop. Needs TELEGRAM_UPDATES=polling.

    Examples:
        TELEGRAM_UPDATES=polling nb bot poll
        TELEGRAM_UPDATES=polling nb bot poll -v
    """
    settings = _settings()
    if settings.telegram_updates != "polling":
        raise UsageMistake(
            "updates are pushed here (TELEGRAM_UPDATES=webhook); fetching them, too, would take the webhook away",
            fix="TELEGRAM_UPDATES=polling nb bot poll",
        )
    from bot import polling

    polling.run(settings)


def sandbox(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, envvar="SANDBOX_PORT", help="Port to serve on.")],
    host: Annotated[str, typer.Option("--host", help="Address to serve on.")] = "127.0.0.1",
) -> None:
    """Run the local Telegram for the bot token in TELEGRAM_BOT_TOKEN. `nb up` starts it.

    Examples:
        nb sandbox --port 8001
        TELEGRAM_BOT_TOKEN=1:local nb sandbox --port 8001 --host 0.0.0.0
    """
    import os

    from cli.local.home import Home

    token = os.environ.get("TELEGRAM_BOT_TOKEN", "")
    if not token:
        raise UsageMistake("TELEGRAM_BOT_TOKEN is missing", fix="start it with `nb up`")
    from bot.sandbox import server

    server.run(host, port, Home.find(os.environ, Path.cwd()).sandbox, token)


@db.command("migrate")
def migrate() -> Outcome:
    """Apply the migrations that the database has not seen, and load the models and packages that ship.

    What an operator edited is left as it is and told.

    Examples:
        nb db migrate
        nb db migrate --json
    """
    settings = _settings()
    from core import migrations

    try:
        applied = _run(migrations.migrate(settings))
    except migrations.MigrationFailed as error:
        raise CommandFailed(f"a migration did not apply: {error}", code="migration_failed", fix="nb db check") from None
    seeded = _run(_seed(settings))
    catalogue = seeded.catalogue
    data: MigrateData = {
        "applied": applied,
        "models": {
            "added": catalogue.added,
            "unchanged": catalogue.unchanged,
            "edited_here": catalogue.differing,
        },
        "packages_added": seeded.packages,
    }
    return Outcome(data=data, show=lambda screen: _show_migrated(screen, data))


async def _seed(settings: Settings) -> Seeded:
    from core import db as database
    from core import seeding

    await database.connect(settings, pool_size=1)
    try:
        return await seeding.seed()
    finally:
        await database.disconnect()


def _show_migrated(screen: Screen, data: MigrateData) -> None:
    for name in data["applied"]:
        screen.state("ok", name)
    screen.line(f"{len(data['applied'])} applied." if data["applied"] else "The database is up to date.")
    models = data["models"]
    if models["added"]:
        screen.state("ok", f"models added: {', '.join(models['added'])}")
    for slug, columns in models["edited_here"].items():
        screen.state("note", f"{slug} is not as it ships: {', '.join(columns)}")
    if data["packages_added"]:
        screen.state("ok", f"packages added: {', '.join(data['packages_added'])}")


@db.command("check")
def check() -> Outcome:
    """Say whether models, migrations and the database agree.

    Examples:
        nb db check
        nb db check --json
    """
    settings = _settings()
    from core import migrations

    differences = _run(migrations.check(settings))
    unapplied = _run(migrations.unapplied(settings))

    def show(screen: Screen) -> None:
        for difference in differences:
            screen.state("failed", difference)
        for name in unapplied:
            screen.state("failed", f"{name} is not applied")
        if not differences and not unapplied:
            screen.state("ok", "Models, migrations and the database agree.")

    return Outcome(
        data={"differences": differences, "unapplied": unapplied},
        show=show,
        problem=_disagreement(differences, unapplied),
        exit_code=ExitCode.CHECK_FAILED if differences or unapplied else ExitCode.OK,
    )


def _disagreement(differences: list[str], unapplied: list[str]) -> Problem | None:
    if differences:
        text = f"{len(differences)} differences between models and migrations"
        return Problem("migrations_differ", text, fix="write a migration")
    if unapplied:
        return Problem("migrations_unapplied", f"{len(unapplied)} migrations are not applied", fix="nb db migrate")
    return None


def _settings() -> Settings:
    """Read the settings, with the whole environment in them checked."""
    from core.settings import SettingsError, load

    try:
        settings = load()
    except SettingsError as error:
        raise UsageMistake(
            str(error), code="configuration", fix="correct these variables, or start everything with `nb up`"
        ) from None
    current().environment = settings.environment.value
    return settings


def _start(run: Callable[[Settings], None], settings: Settings) -> None:
    """Run a process; what it cannot start without is one line for whoever reads its log."""
    with _reachable():
        run(settings)


def _run(work: Coroutine[Any, Any, T]) -> T:
    with _reachable():
        return asyncio.run(work)


@contextmanager
def _reachable() -> Iterator[None]:
    """Say in one line what is wrong with the database; the address is not repeated, for it holds the password."""
    from asyncpg import InvalidAuthorizationSpecificationError, InvalidCatalogNameError

    from core.db import UNAVAILABLE

    try:
        yield
    except InvalidAuthorizationSpecificationError as error:
        raise NotAuthenticated(
            f"the database refuses the user or password of DATABASE_URL: {error}",
            code="database_refused",
            fix="correct DATABASE_URL",
        ) from error
    except InvalidCatalogNameError as error:
        raise NotFound(
            f"the database that DATABASE_URL names is not there: {error}",
            code="no_database",
            fix="create it, or correct DATABASE_URL",
        ) from error
    except UNAVAILABLE as error:
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise Conflict(f"cannot listen: {error.strerror or error}", code="port_taken", fix="see PORT") from error
        raise UpstreamFault(
            f"the database cannot be reached: {type(error).__name__}", code="database_away", fix="see DATABASE_URL"
        ) from error
