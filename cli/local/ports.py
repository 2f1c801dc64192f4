"""Which TCP ports the local product uses: the person's choice, else those of the last time, else free ones."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Mapping

from cli.local.launch import LocalError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_port() -> int:
    """Return a port that nobody uses now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody uses now."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def choose(wanted: Mapping[str, int | None], remembered: Mapping[str, int], usual: Mapping[str, int]) -> dict[str, int]:
    """Choose a port per service.

    Args:
        wanted: what the person asked for; None where they did not.
        remembered: what was used last time.
        usual: the first choice of a service that never ran.

    Raises:
        LocalError: a port that was asked for is taken, or asked for twice.
    """
    chosen: dict[str, int] = {}
    for service, port in wanted.items():
        if port is None:
            continue
        taken_by = next((other for other, taken in chosen.items() if taken == port), None)
        if taken_by is not None:
            raise LocalError(
                f"Port {port} is asked for twice, for {taken_by} and for {service}",
                fix=f"Give --{service}-port another number.",
                service=service,
            )
        if not is_free(port):
            raise LocalError(
                f"Port {port}, asked for {service}, is taken by another program",
                fix=f"Stop that program (`lsof -i :{port}` names it), or give --{service}-port another number.",
                service=service,
            )
        chosen[service] = port
    for service in wanted:
        if service in chosen:
            continue
        candidates = [port for port in (remembered.get(service), usual.get(service)) if port is not None]
        port = next((port for port in candidates if port not in chosen.values() and is_free(port)), None)
        while port is None or port in chosen.values():
            port = free_port()
        chosen[service] = port
    return chosen


def around_the_proxy(given: Mapping[str, str]) -> dict[str, str]:
    """What keeps a proxy of the surroundings, which knows nothing of this machine's ports, out of our own calls."""
    named = given.get("no_proxy") or given.get("NO_PROXY") or ""
    direct = named if named.strip() == "*" else ",".join(filter(None, (named, HOST, "localhost")))
    return {"NO_PROXY": direct, "no_proxy": direct}
