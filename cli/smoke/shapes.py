"""What `data` of `nb smoke` holds."""

from typing import Literal, TypedDict

from cli.wire_statistics import SmokeCleaned

StepState = Literal["ok", "failed", "error", "pending", "skipped"]


class SmokeStep(TypedDict):
    """One thing that was tried. `error`: there was no answer, so nothing is known. `pending`: not deployed yet."""

    id: str
    state: StepState
    detail: str
    duration_ms: float
    fix: str | None


class SmokeCounts(TypedDict):
    """How many steps ended in each state."""

    ok: int
    failed: int
    error: int
    pending: int
    skipped: int


class SmokeData(TypedDict):
    """`nb smoke`. `generation` is the id of what was made, `cleaned` what was put away after it."""

    ok: bool
    url: str
    commit: str | None
    expected_commit: str | None
    steps: list[SmokeStep]
    counts: SmokeCounts
    generation: str | None
    cleaned: SmokeCleaned | None
    junit: str | None
