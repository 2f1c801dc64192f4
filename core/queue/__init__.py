"""Background work: tasks are coroutines, published through the outbox, run by Celery on one event loop per process."""

from core.queue.app import QUEUES, TASK_MODULES, celery, configure
from core.queue.runtime import part_of_worker, task

__all__ = ["QUEUES", "TASK_MODULES", "celery", "configure", "part_of_worker", "task"]
