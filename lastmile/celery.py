"""Celery for the house: JSON only, late acknowledgement, one message at a time, prefork.

The broker carries hints only (``core.hints``). What may be lost or doubled here is healed by the
sweep and by conditional claims, so no setting below has to be right for the work to be right.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from kombu import Queue

from lastmile.core.wiring import QUEUES
from lastmile.schedule import SWEEP_TASK

app = Celery("lastmile")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    broker_transport_options={
        "visibility_timeout": 3600,  # over four times the longest limit: no hint runs twice early
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,  # kombu's own 10 made a killed worker's hint wait 91 s
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "global_keyprefix": "lastmile.",
    },
    accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,  # attempts are counted in PostgreSQL, so never for ever
    task_default_queue="default",
    task_queues=[Queue(name) for name in QUEUES],
    task_soft_time_limit=50,
    task_time_limit=60,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_max_tasks_per_child=2000,
    worker_max_memory_per_child=600_000,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # the lease decides, not the broker
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    beat_scheduler="lastmile.worklist.beat.FairTurns",
    enable_utc=True,
    timezone="UTC",
)
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)


@worker_ready.connect
def sweep_at_once(**_signal: Any) -> None:
    """Look for forgotten work as soon as a worker is up, without waiting for beat."""
    app.send_task(SWEEP_TASK, queue="hot", kwargs={"grace_s": 0}, retry=False, expires=60)
