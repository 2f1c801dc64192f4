"""What a period brought and cost: revenue, cost and margin, payments, people, failures, latencies.

Every number is read from the statement and the generations of the period itself, in one snapshot; nothing is counted
beside them. Periods are half-open and in UTC, and people who are none (`is_test`) are in no number.
"""

from core.statistics.figures import (
    Failure,
    Figures,
    Grouping,
    Latency,
    Money,
    Outcomes,
    PaymentSums,
    People,
    Period,
    Statistics,
)
from core.statistics.reading import read

__all__ = [
    "Failure",
    "Figures",
    "Grouping",
    "Latency",
    "Money",
    "Outcomes",
    "PaymentSums",
    "People",
    "Period",
    "Statistics",
    "read",
]
