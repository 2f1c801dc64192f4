"""Prometheus metrics: what this process measures itself, and what the database and Redis know at the time of a scrape.

`prometheus_client` decides at its import whether several processes share their values, so import this module only after
`PROMETHEUS_MULTIPROC_DIR` is set (`core.http.server` does).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest, multiprocess
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from core import service_state
from core.service_state import ServiceState

MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FRESH_SECONDS = 2.0
"""Scrapes closer than this read the database once."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client; nobody reads those series

http_requests = Histogram(
    "nb_http_request_duration_seconds",
    "Requests answered, and the time until the answer began.",
    ("method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)

_children: dict[tuple[str, str, int], Histogram] = {}


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one request."""
    key = (method, route, status)
    child = _children.get(key)
    if child is None:
        child = _children[key] = http_requests.labels(method, route, str(status))
    child.observe(seconds)


@dataclass(slots=True)
class _Snapshot:
    state: ServiceState | None = None
    read_at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_snapshot = _Snapshot()


async def render() -> bytes:
    """Return everything in Prometheus' text format. Without a database the process's own numbers are still there."""
    async with _snapshot.lock:
        if monotonic() - _snapshot.read_at > FRESH_SECONDS:
            _snapshot.state = await service_state.read_if_possible()
            _snapshot.read_at = monotonic()
    registry = CollectorRegistry()
    if os.environ.get(MULTIPROCESS_FOLDER):
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client
    else:
        registry.register(_Own())
    registry.register(_State(_snapshot.state))
    return generate_latest(registry)


class _Own(Collector):
    """What this process and the libraries in it registered."""

    def collect(self) -> Iterable[Metric]:
        return REGISTRY.collect()


class _State(Collector):
    """The state of the service, the same from whichever process is asked."""

    def __init__(self, state: ServiceState | None) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        state = self._state
        yield _gauge("nb_state_known", "1 when database and Redis answered this scrape.", float(state is not None))
        if state is None:
            return
        for name, backlog in (("inbox", state.inbox), ("outbox", state.outbox)):
            yield _gauge(f"nb_{name}_pending", f"Rows of the {name} that wait.", backlog.pending)
            yield _gauge(
                f"nb_{name}_oldest_seconds", f"Age of the oldest of them in the {name}.", backlog.oldest_s or 0
            )
        yield _by_label("nb_queue_depth", "Tasks that wait in the broker.", "queue", state.queues)
        yield _by_label("nb_processes", "Processes seen in the last seconds.", "kind", state.count_processes())
        in_progress = {"queued": state.queued, "processing": state.processing, "stuck": state.stuck}
        yield _by_label("nb_generations_in_progress", "Generations that are not finished.", "status", in_progress)
        yield from _providers(state)
        yield from _outcomes(state)


def _providers(state: ServiceState) -> Iterable[Metric]:
    is_open = {provider.name: int(provider.is_open) for provider in state.providers}
    yield _by_label("nb_provider_parked", "1 for a provider that gets no jobs now.", "provider", is_open)
    running = {provider.name: provider.running for provider in state.providers}
    yield _by_label("nb_provider_running", "Jobs under way at a provider.", "provider", running)
    waiting = {provider.name: provider.waiting for provider in state.providers}
    yield _by_label("nb_provider_waiting", "Jobs that wait for a provider.", "provider", waiting)
    yield _gauge(
        "nb_generations_looked_up_last_day", "Submissions whose answer was lost and was looked up.", state.lost_answers
    )


def _outcomes(state: ServiceState) -> Iterable[Metric]:
    finished = GaugeMetricFamily(
        "nb_generations_finished_last_hour",
        "Generations that ended in the last hour.",
        labels=("model", "status", "error_code"),
    )
    durations = GaugeMetricFamily(
        "nb_generation_duration_seconds_last_hour",
        "From order to end, of the generations that ended in the last hour.",
        labels=("model", "status", "error_code", "quantile"),
    )
    for outcome in state.outcomes:
        labels = [outcome.model, outcome.status, outcome.error_code]
        finished.add_metric(labels, outcome.count)
        durations.add_metric([*labels, "0.5"], outcome.median_s)
        durations.add_metric([*labels, "0.95"], outcome.p95_s)
    yield finished
    yield durations


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _by_label(name: str, meaning: str, label: str, values: dict[str, int]) -> Metric:
    metric = GaugeMetricFamily(name, meaning, labels=(label,))
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric
