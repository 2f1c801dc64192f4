"""The process behind `nb up --detach`: runs the product, tells its parent how the start goes, then stays silent."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path

from cli.local.choices import USUAL_PORTS, Choices
from cli.local.home import Home
from cli.local.launch import LocalError
from cli.local.progress import PipeWatcher
from cli.local.session import EMULATE, Callbacks, Interrupted, run
from cli.local.state import Addresses, AlreadyRunning


def main(arguments: list[str]) -> int:
    """Run until stopped. Arguments: the home, then `service=port` for each port that was asked for, and `emulate=%`."""
    home = Home(Path(arguments[0]))
    given = {name: int(number) for name, _, number in (argument.partition("=") for argument in arguments[1:])}
    failures = given.pop(EMULATE, None)
    choices = Choices(
        ports={**dict.fromkeys(USUAL_PORTS), **given}, emulate=failures is not None, emulate_failures=failures or 0
    )
    watcher = PipeWatcher(sys.stdout)

    def ready(addresses: Addresses) -> None:
        watcher.send({"ready": asdict(addresses)})
        # From now on the parent is gone, and a write would fail.
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, sys.stdout.fileno())
        os.close(silence)

    try:
        asyncio.run(run(home, choices, watcher, Callbacks(ready, lambda: None)))
    except LocalError as error:
        watcher.send({"failed": {"message": error.message, "fix": error.fix, "service": error.service}})
        return 1
    except AlreadyRunning:
        watcher.send({"busy": True})
        return 1
    except Interrupted:
        watcher.send({"interrupted": True})
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
