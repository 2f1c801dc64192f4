"""When an accepted job is asked for again.

Rarely at first, more often around the time that jobs of its model usually take, rarely again when it is late. What the
adapter asks for is the least. Where thousands are under way at one provider, the pauses grow, so that all of them
together are polled at a rate that one worker and the provider bear.
"""

from __future__ import annotations

import random
from datetime import timedelta

SHARE_OF_WHAT_IS_LEFT = 6
LONGEST = timedelta(seconds=15)
"""The longest pause that is made because of the usual time alone."""

POLLS_PER_SECOND = 250
"""At one provider, by all workers together."""

JITTER = 0.1
DRIFT = (0.6, 1.4)


def pause(elapsed: timedelta, usual: timedelta, *, least: timedelta, under_way: int = 0) -> timedelta:
    """Return the time until the next poll.

    Args:
        elapsed: since the provider accepted the job.
        usual: what jobs of this model take.
        least: what the adapter asks for.
        under_way: jobs at the same provider.
    """
    distance = abs(usual - elapsed)
    wished = min(distance / SHARE_OF_WHAT_IS_LEFT, LONGEST)
    # Jobs that were ordered together are not asked for together for ever; many of them drift apart at once.
    spread = timedelta(seconds=under_way / POLLS_PER_SECOND) * random.uniform(*DRIFT)
    return max(max(least, wished) * random.uniform(1.0, 1.0 + JITTER), spread)
