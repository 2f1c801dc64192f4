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
from cli.local.session import Callbacks, Interrupted, run
from cli.local.state import Addresses, AlreadyRunning


def main(arguments: list[str]) -> int:
    """Run until stopped. Arguments: the home, then `service=port` for each port that was asked for."""
    home = Home(Path(arguments[0]))
    ports: dict[str, int | None] = dict.fromkeys(USUAL_PORTS)
    for argument in arguments[1:]:
        service, _, port = argument.partition("=")
        ports[service] = int(port)
    watcher = PipeWatcher(sys.stdout)

    def ready(addresses: Addresses) -> None:
        watcher.send({"ready": asdict(addresses)})
        # From now on the parent is gone, and a write would fail.
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, sys.stdout.fileno())
        os.close(silence)

    try:
        asyncio.run(run(home, Choices(ports=ports), watcher, Callbacks(ready, lambda: None)))
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
