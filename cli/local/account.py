"""The account that an embedded server runs under: PostgreSQL refuses root, so root steps down before it starts.

Inside a user namespace the server sees itself as nobody while its files still belong to root; this works wherever the
project lives. Where namespaces are refused (containers), the process becomes nobody for real and keeps the one
capability that lets it use data below folders that only root may enter. Programs below them need a copy: what checks
itself with access(2), as initdb does, is answered as if it had no capability.
"""

from __future__ import annotations

import ctypes
import functools
import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

_IS_LINUX = sys.platform.startswith("linux")
_LIBC = ctypes.CDLL(None, use_errno=True)


class Account(Enum):
    """How a server's process is made unprivileged."""

    OWN = "own"
    """It runs as the person who started it."""
    NAMESPACE = "namespace"
    """It is root outside and nobody inside a user namespace of its own."""
    NOBODY = "nobody"
    """It becomes nobody, and owns its data folder."""

    def adopt(self, folder: Path) -> None:
        """Give the folder with everything in it to the account, unless it has it already."""
        owner = _nobody() if self is Account.NOBODY else (os.geteuid(), os.getegid())
        if folder.stat().st_uid == owner[0]:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, *owner, follow_symlinks=False)

    def before_exec(self, death_signal: signal.Signals | None = None) -> Callable[[], None]:
        """Return what the forked child does before it becomes the server.

        With a death signal the kernel sends it to the server when the process that started it is gone (Linux only).
        It is set last, because a change of credentials clears it.
        """
        step_down = {
            Account.OWN: lambda: None,
            Account.NAMESPACE: _enter_namespace,
            Account.NOBODY: _become_nobody,
        }[self]

        def prepare() -> None:
            step_down()
            if death_signal is not None and _IS_LINUX:
                _LIBC.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)

        return prepare


def everybody_can_reach(path: Path) -> bool:
    """Tell whether an account without privileges may pass through all folders above."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


@functools.cache
def server_account() -> Account:
    """Choose the account for servers on this machine."""
    if os.geteuid() != 0:
        return Account.OWN
    return Account.NAMESPACE if _IS_LINUX and _namespaces_work() else Account.NOBODY


def _namespaces_work() -> bool:
    try:
        subprocess.run(["true"], preexec_fn=_enter_namespace, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@functools.cache
def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _enter_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    inside_uid, inside_gid = _nobody()
    if _LIBC.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, content in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside_uid} {uid} 1"),
        ("gid_map", f"{inside_gid} {gid} 1"),
    ):
        Path("/proc/self", name).write_text(content)


def _become_nobody() -> None:
    uid, gid = _nobody()
    if _IS_LINUX:
        _LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if _IS_LINUX:
        _keep_folder_access()


def _keep_folder_access() -> None:
    """Carry CAP_DAC_OVERRIDE over the exec. Where it is not ours to keep, the folders must be open to everybody."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    wanted = 1 << CAP_DAC_OVERRIDE
    # Two blocks of (effective, permitted, inheritable): capabilities 0-31 and 32-63.
    data = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
    if _LIBC.capset(header, data) == 0:
        _LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
