"""Where the videos of a job are put, and what that tells: each job has a folder whose name says what was ordered.

``<job>/<model>/8s-1080p-sound/…/sample_0.mp4``. The folder is what remains when Google has forgotten the
operation, and the only trace of an order whose answer was lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_FOLDER = re.compile(
    r"/(?P<model>veo-[\w.-]+)/(?P<seconds>\d+)s-(?P<resolution>720p|1080p|4k)-(?P<sound>sound|silent)(?:-extension)?/"
)
_WITH_SOUND = {
    "veo-3.1-generate-001": {"720p": Decimal("0.40"), "1080p": Decimal("0.40"), "4k": Decimal("0.60")},
    "veo-3.1-fast-generate-001": {"720p": Decimal("0.15"), "1080p": Decimal("0.15")},
}
_SILENT = {
    "veo-3.1-generate-001": {"720p": Decimal("0.20"), "1080p": Decimal("0.20")},
    "veo-3.1-fast-generate-001": {"720p": Decimal("0.10"), "1080p": Decimal("0.10")},
}
"""USD for a second, Google's list of November 2026. What is not listed has no known price."""


@dataclass(frozen=True, slots=True)
class Order:
    """What of a job has a price. An extension makes `seconds` more; the film that comes back is longer."""

    seconds: int
    resolution: str
    sound: bool
    is_extension: bool = False
    quantity: int = 1

    def path(self, client_id: str, model: str) -> str:
        """Return the folder of a job's videos, below the one of all jobs."""
        sound, kind = "sound" if self.sound else "silent", "-extension" if self.is_extension else ""
        return f"{client_id}/{model}/{self.seconds}s-{self.resolution}-{sound}{kind}/"


def cost(uris: tuple[str, ...]) -> Decimal | None:
    """Return what the videos at these addresses cost by Google's list; None where a price is not known.

    Vertex tells no cost. Videos that were withheld are not charged, so only those that are there count.
    """
    total = Decimal(0)
    for uri in uris:
        found = _FOLDER.search(uri)
        if found is None:
            return None
        price = (_WITH_SOUND if found["sound"] == "sound" else _SILENT).get(found["model"], {}).get(found["resolution"])
        if price is None:
            return None
        total += int(found["seconds"]) * price
    return total
