"""Celery for the house: JSON only, late acknowledgement, one message at a time, prefork.

The broker carries hints only (``core.hints``). What may be lost or doubled here is healed by the
sweep and by conditional claims, so no setting of Celery's (settings.py) has to be right for the
work to be right.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready
from django.conf import settings
from kombu import Queue

from lastmile.core.wiring import QUEUES
from lastmile.schedule import SWEEP_TASK

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")

app = Celery("lastmile")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, routing_key=name) for name in QUEUES]
app.conf.task_routes = ("lastmile.core.tasks.route",)
app.conf.beat_scheduler = "lastmile.beat.OncePerWindowScheduler"
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS)


@worker_ready.connect
def sweep_at_once(**_signal: Any) -> None:
    """Look for forgotten work as soon as a worker is up, without waiting for beat."""
    app.send_task(SWEEP_TASK, queue="hot", kwargs={"grace_s": 0}, retry=False, expires=60)
