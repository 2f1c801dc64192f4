"""How much of anything a link may cost us."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one fetch.

    Attributes:
        size: bytes of the file.
        seconds: of the clock, for everything together.
        idle: seconds of the clock without a byte.
        redirects: how often a site may send us on.
        length: seconds that a video may last.
        lines: shorter side of a video above which a smaller version is taken, where the site has one.
        memory: bytes of address space of the process that reads a site.
        processor: seconds of the processor for it.
    """

    size: int = 50 * 1024 * 1024
    seconds: float = 60.0
    idle: float = 10.0
    redirects: int = 5
    length: int = 180
    lines: int = 480
    memory: int = 1024 * 1024 * 1024
    processor: int = 30


USUAL = Limits()
