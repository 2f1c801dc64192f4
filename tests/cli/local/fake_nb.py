"""`nb` with stand-ins instead of the product's processes: everything that starts and stops them is real.

`python -m tests.cli.local.fake_nb up` is `nb up`; with `background` first it is the process behind `nb up --detach`.
"""

from __future__ import annotations

import sys

from cli.local import background, choices, session
from cli.main import main

FAKE = (sys.executable, "-m", "tests.cli.local.fake_service")


def run() -> int:
    choices.COMMANDS.update({name: (*FAKE, name) for name in choices.COMMANDS})
    session.BACKGROUND[:] = [sys.executable, "-m", "tests.cli.local.fake_nb", "background"]
    if sys.argv[1:2] == ["background"]:
        return background.main(sys.argv[2:])
    return main()


if __name__ == "__main__":
    sys.exit(run())
