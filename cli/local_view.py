"""What the supervisor on this machine says, for `nb status` and `nb doctor`.

The local product is imported inside, so that looking at staging does not load it.
"""

from __future__ import annotations

from cli.environments import nb_home
from cli.shapes import LocalState
from cli.wire import parse


def local_state() -> LocalState:
    """The state of this machine's product; `stopped` when `nb up` never ran here."""
    from cli.local.home import Home
    from cli.local.status import local_status

    return parse(LocalState, local_status(Home(nb_home())).as_data())
