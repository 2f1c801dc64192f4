"""Runs the short-lived process that migrates, fills the catalogue and makes the first token, and reads its answers.

It is a process of its own so that the supervisor never loads the database libraries.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from cli.local.launch import Launch, LocalError, open_log

LIMIT = 120.0
PARTS = ("migrations", "catalogue", "token")


class Preparation:
    """The process and what it has said so far."""

    def __init__(self, launch: Launch, log: Path) -> None:
        self._launch = launch
        self._log = log
        self._results: dict[str, asyncio.Future[str]] = {}
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start the process."""
        loop = asyncio.get_running_loop()
        self._results = {name: loop.create_future() for name in PARTS}
        self._task = asyncio.create_task(self._run(), name="prepare")

    async def result_of(self, part: str) -> str:
        """Wait for one part.

        Raises:
            LocalError: it failed.
        """
        try:
            return await asyncio.shield(self._results[part])
        except asyncio.CancelledError:
            await self.cancel()
            raise

    async def cancel(self) -> None:
        """End the process early."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        failure = LocalError(
            "preparing the database ended without an answer", fix=f"See {self._log}.", service="prepare"
        )
        try:
            async with asyncio.timeout(LIMIT):
                failure = await self._converse() or failure
        except TimeoutError:
            failure = LocalError(
                f"preparing the database took longer than {LIMIT:.0f} s",
                fix="See whether another program holds locks in it.",
                service="prepare",
            )
        finally:
            for result in self._results.values():
                if not result.done():
                    result.set_exception(failure)
                    # The step that waits for another part reports the failure; this one may have no reader.
                    result.exception()

    async def _converse(self) -> LocalError | None:
        with open_log(self._log) as errors:
            process = await asyncio.create_subprocess_exec(
                *self._launch.argv,
                env=self._launch.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                preexec_fn=self._launch.account.before_exec(self._launch.death_signal),
            )
        try:
            assert process.stdout is not None
            async for line in process.stdout:
                message = json.loads(line)
                if "error" in message:
                    return LocalError(message["error"], fix=message["fix"], service="prepare")
                self._results[message["part"]].set_result(message["said"])
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return None
