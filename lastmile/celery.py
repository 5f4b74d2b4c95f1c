"""The Celery app: JSON only, late acknowledgement, one message at a time, prefork workers.

The broker carries hints only (``core.hints``); the work itself is stored in PostgreSQL. The sweep
finds work whose hint was lost, and a conditional claim makes a repeated hint harmless. So the
results do not depend on Celery's settings.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, worker_ready
from django.conf import settings
from django.urls import get_resolver
from kombu import Queue

from lastmile.core.wiring import QUEUES
from lastmile.schedule import SWEEP_TASK

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")

LOW_NICE = 10

app = Celery("lastmile")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, routing_key=name) for name in QUEUES]
app.conf.task_routes = ("lastmile.core.tasks.route",)
app.conf.beat_scheduler = "lastmile.beat.OncePerWindowScheduler"
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)


@celeryd_after_setup.connect
def give_way(sender: str = "", **_signal: Any) -> None:
    """Let the workers for imports and plans give way to messages, acts and pages."""
    if str(sender).startswith(("bulk@", "solve@")):
        os.nice(LOW_NICE)


@celeryd_after_setup.connect
def know_the_addresses(sender: str = "", **_signal: Any) -> None:
    """Load all addresses before the first message needs a link: that takes about a second."""
    if str(sender).startswith(("send@", "worker@")):
        get_resolver().app_dict  # noqa: B018 - reading it loads them


@worker_ready.connect
def sweep_at_once(**_signal: Any) -> None:
    """Start a sweep as soon as a worker is up, without waiting for beat."""
    app.send_task(SWEEP_TASK, queue="hot", kwargs={"grace_s": 0}, retry=False, expires=60)
