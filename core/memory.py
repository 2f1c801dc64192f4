"""Keeps a process that draws and forwards pictures from growing: what they took goes back to the system.

glibc gives every thread a heap of its own and keeps large blocks that were freed once. A worker of many threads then
holds the pictures of hours ago. Other C libraries do not need this and do not know the calls.
"""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

HEAPS = 2
LARGE_BLOCK = 256 * 1024
"""Bytes from which a block is mapped on its own, and so returned when it is freed."""


def return_what_is_freed() -> bool:
    """Tell the C library; call it before threads start. False where there is nothing to tell."""
    if sys.platform != "linux":
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    return bool(library.mallopt(_M_ARENA_MAX, HEAPS) and library.mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK))
