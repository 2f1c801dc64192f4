"""What the supervisor on this machine says about itself, for `nb status` and `nb doctor`.

The local product is imported inside, so that looking at staging does not load it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

from cli.environments import nb_home
from cli.shapes import LocalState


def local_state() -> LocalState | None:
    """The state of this machine's product; None when `nb up` never ran here."""
    from cli.local.home import Home
    from cli.local.state import Phase, RunState, is_held

    home = Home(nb_home())
    state = RunState.load(home)
    if state is None:
        return None
    running = is_held(home)
    ended = state.phase in (Phase.STOPPED, Phase.FAILED)
    # Only a supervisor that was killed leaves a lively state without a lock.
    phase = state.phase if running or ended else Phase.DIED
    return {
        "phase": phase.value,
        "running": running,
        "home": str(home.root),
        "addresses": asdict(state.addresses) if state.addresses else {},
        "processes": [
            {
                "name": record.name,
                "state": record.state if running else "stopped",
                "pid": record.identity.pid if running and record.identity else None,
                "restarts": record.restarts,
                "started_at": datetime.fromtimestamp(record.started_at, UTC).isoformat() if record.started_at else None,
            }
            for record in state.processes
        ],
    }
