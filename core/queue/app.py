"""The Celery application and the options that make redelivery safe.

A message is acknowledged when its task has ended, and given to another worker when its own was killed. The visibility
timeout is above the longest time limit, nothing is scheduled with a countdown, and every task may run twice.
"""

from __future__ import annotations

import time
from typing import Any

from celery import Celery
from celery.signals import before_task_publish

from core.settings import Settings

QUEUES = ("generation", "delivery", "default")

ROUTES = {"generations.*": {"queue": "generation"}, "bot.*": {"queue": "delivery"}}
"""Queues by the first word of a task's name, known to whoever publishes without importing the task."""

TASK_MODULES = (
    "core.generations.tasks",
    "core.generations.webhooks",
    "core.payments.tasks",
    "core.payments.events",
    "core.cart",
    "core.errors.tasks",
    "core.maintenance",
    "core.retention",
    "core.thumbnails",
    "bot.tasks",
)
"""Modules that register tasks. Upper layers are named, never imported."""

SOFT_TIME_LIMIT = 600
TIME_LIMIT = 660
VISIBILITY_TIMEOUT = 900

PUBLISHED_AT = "published_at"
"""The header that says when a message was published, in seconds since 1970: a list in Redis knows no times."""

celery = Celery("nanobanana")
celery.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="default",
    task_routes=ROUTES,
    task_create_missing_queues=True,
    task_soft_time_limit=SOFT_TIME_LIMIT,
    task_time_limit=TIME_LIMIT,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_TIMEOUT,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 3,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 25,
    },
    broker_pool_limit=8,
    timezone="UTC",
)


def configure(settings: Settings) -> None:
    """Point Celery at the settings' Redis."""
    celery.conf.update(
        broker_url=settings.redis_url.get_secret_value(),
        worker_concurrency=settings.worker_concurrency,
        include=list(TASK_MODULES),
    )


@before_task_publish.connect
def _stamp(headers: dict[str, Any] | None = None, **_: object) -> None:
    """Have every message say when it was published, so that it can be told how long the oldest waits."""
    if headers is not None:
        headers[PUBLISHED_AT] = time.time()
