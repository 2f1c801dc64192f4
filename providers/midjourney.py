"""Midjourney's own language, which every way to it shares: words, and flags behind them.

People can write flags into their words (``a fox --turbo --repeat 40``) and burn hours of our account. Only harmless
ones are kept; what costs something comes from the options that a price was quoted for.
"""

from __future__ import annotations

import re

from providers import options
from providers.base import Job
from providers.errors import InvalidRequest

HARMLESS = frozenset({"no", "seed", "iw", "tile", "stop"})
VERSIONS = frozenset({"7", "6.1", "6", "5.2", "5.1", "niji6", "niji7"})
SPEEDS = {"fast": "--fast", "relaxed": "--relax", "turbo": "--turbo"}
MOTIONS = frozenset({"low", "high"})
_FLAG = re.compile(r"(?:--|(?<!\S)[—–]{1,2})(?=[A-Za-z])")
"""Phones make one long dash of two short ones, and Midjourney reads it; a dash between words is left alone."""


def plain_words(prompt: str) -> str:
    """Return the words with harmless flags only. Everything behind the first flag is flags to Midjourney."""
    words, *flags = _FLAG.split(prompt)
    kept = []
    for flag in flags:
        name, _, value = flag.strip().partition(" ")
        if name.lower() in HARMLESS:
            kept.append(f"--{name.lower()} {value.strip()}".strip())
    return " ".join([" ".join(words.split()), *kept]).strip()


def version(job: Job) -> str | None:
    """Return the version of the model that was ordered."""
    wanted = options.text(job, "version")
    if wanted is not None:
        options.one_of("version", wanted, VERSIONS, job.model)
    return wanted


def speed(job: Job) -> str | None:
    """Return the speed that was ordered: what an hour of the account costs depends on it."""
    wanted = options.text(job, "speed")
    if wanted is not None:
        options.one_of("speed", wanted, SPEEDS, job.model)
    return wanted


def motion(job: Job) -> str:
    """Return how much is to move in a video."""
    wanted = options.text(job, "motion") or "low"
    options.one_of("motion", wanted, MOTIONS, job.model)
    return wanted


def amount(job: Job, name: str, most: int) -> int | None:
    """Return an option from 0 to `most`."""
    wanted = options.whole(job, name)
    if wanted is not None and not 0 <= wanted <= most:
        raise InvalidRequest(f"{job.model} takes {name} from 0 to {most}, not {wanted}")
    return wanted


def flags(job: Job) -> list[str]:
    """Return the flags that the options of a picture stand for."""
    ratio, wanted, without = options.text(job, "aspect_ratio"), version(job), options.text(job, "negative_prompt")
    if ratio is not None and not re.fullmatch(r"\d{1,2}:\d{1,2}", ratio):
        raise InvalidRequest(f"{job.model} takes no aspect_ratio {ratio!r}")
    found: list[str] = [f"--ar {ratio}"] if ratio else []
    if wanted:
        found.append(f"--niji {wanted.removeprefix('niji')}" if wanted.startswith("niji") else f"--v {wanted}")
    for name, flag, most in (("stylization", "stylize", 1000), ("weirdness", "weird", 3000), ("variety", "chaos", 100)):
        value = amount(job, name, most)
        if value is not None:
            found.append(f"--{flag} {value}")
    if without:
        found.append(f"--no {_FLAG.split(without)[0].strip()}")
    chosen = speed(job)
    return [*found, SPEEDS[chosen]] if chosen else found


def video_flags(job: Job, end: str | None) -> list[str]:
    """Return the flags of a video; `end` is the address of its last frame."""
    found = ["--video", f"--motion {motion(job)}"]
    if options.flag(job, "raw"):
        found.append("--raw")
    if options.flag(job, "loop"):
        found.append("--loop")
    if end is not None:
        found.append(f"--end {end}")
    return found
