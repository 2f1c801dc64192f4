"""The worker process: Celery's consumer, its threads, and the event loop that does the work."""

from __future__ import annotations

import importlib
import warnings
from contextlib import AbstractAsyncContextManager

from celery.exceptions import SecurityWarning

from core import logs, memory, process
from core.queue.app import QUEUES, TASK_MODULES, celery, configure
from core.queue.runtime import Running, part_of_worker
from core.settings import Settings

part_of_worker(process.opened)


def _pulse(settings: Settings) -> AbstractAsyncContextManager[None]:
    return process.alive(settings, "worker")


def _stay_calm_as_superuser() -> None:
    """Keep Celery from warning of superusers: what it fears is code in pickled messages, and JSON is all we accept.

    The image has a user of its own; who runs `nb up` as root in a container has chosen so.
    """
    if celery.conf.accept_content == ["json"]:
        warnings.filterwarnings("ignore", category=SecurityWarning)


def run(settings: Settings) -> None:
    """Take tasks until SIGTERM, then finish the running ones and return.

    Raises:
        Whatever keeps the process from working: a database that cannot be reached, a module that cannot be imported.
    """
    memory.return_what_is_freed()
    logs.configure(settings, "worker")
    configure(settings)
    for module in TASK_MODULES:
        importlib.import_module(module)
    # Last, so that a worker counts as alive when the bot in it answers.
    part_of_worker(_pulse)
    _stay_calm_as_superuser()
    with Running(settings):
        worker = celery.Worker(
            pool="threads",
            concurrency=settings.worker_concurrency,
            queues=list(QUEUES),
            optimization="fair",
            without_mingle=True,
            without_gossip=True,
            loglevel=settings.log_level,
        )
        worker.start()
