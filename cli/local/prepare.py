"""The short-lived process that `nb up` starts once the database answers: migrations, catalogue, first token.

It says what it did on standard output, one JSON document a line; the token goes to a file and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from cli.local.home import Home, read_json, write_private

if TYPE_CHECKING:
    from core.settings import Settings

MADE_BY = "nb up"


async def prepare(settings: Settings) -> None:
    """Bring the database to what this code needs."""
    from core import db, migrations, seeding

    applied = await migrations.migrate(settings)
    _say("migrations", str(len(applied)))
    await db.connect(settings, pool_size=2)
    try:
        seeded = await seeding.seed()
        report = seeded.catalogue
        models = len(report.added) + len(report.unchanged) + len(report.differing)
        edited = f", {len(report.differing)} edited here" if report.differing else ""
        sold = f", {len(seeded.packages)} packages" if seeded.packages else ""
        _say("catalogue", f"{models} models, {len(report.added)} new{edited}{sold}")
        await _ensure_token(settings)
        _say("token", "")
    finally:
        await db.disconnect()


async def _ensure_token(settings: Settings) -> None:
    """Keep the token of last time when this database knows it; make a new one otherwise."""
    from core import ops_tokens

    home = Home(settings.home)
    credentials = read_json(home.credentials_file)
    known = credentials.get("local")
    token = known.get("token") if isinstance(known, dict) else None
    if not isinstance(token, str) or await ops_tokens.verify(token) is None:
        token = await ops_tokens.create(MADE_BY, [ops_tokens.Scope.ADMIN])
    credentials["local"] = {"url": settings.public_base_url, "token": token}
    write_private(home.credentials_file, credentials)


def _say(part: str, said: str) -> None:
    print(json.dumps({"part": part, "said": said}), flush=True)  # noqa: T201  The parent reads it.


def _fail(message: str, fix: str) -> int:
    print(json.dumps({"error": message, "fix": fix}), flush=True)  # noqa: T201  The parent reads it.
    return 1


def main() -> int:
    """Run once."""
    from core import db, logs
    from core.migrations import MigrationFailed
    from core.settings import SettingsError, load

    try:
        settings = load()
    except SettingsError as error:
        return _fail("; ".join(error.problems), "Correct these variables in the environment, then run `nb up` again.")
    logs.configure(settings, "prepare")
    try:
        asyncio.run(prepare(settings))
    except MigrationFailed as error:
        return _fail(f"a migration did not apply: {error}", "`nb db check` compares the database with the models.")
    except db.UNAVAILABLE as error:
        return _fail(
            f"the database cannot be reached: {type(error).__name__}", "See DATABASE_URL, or the log of postgres."
        )
    except Exception as error:  # noqa: BLE001  The outermost boundary of this process.
        logs.get_logger(__name__).exception("prepare_failed")
        return _fail(f"preparing the database failed ({type(error).__name__})", "Its last lines are above.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
