"""Serves a service worker under a module's own address, so that its scope is that module.

A browser lets a worker control only addresses below its own, and static files lie elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


def service_worker(script: str, *, scope: str) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view of a service worker.

    Parameters
    ----------
    script : str
        The static file, ``driver/sw.js``.
    scope : str
        The address below which the worker may answer, ``/driver/``. It is sent as
        ``Service-Worker-Allowed``; the page registers the worker with the same scope.

    Returns
    -------
    Callable
        A view that answers the script with two constants before it: ``STATIC_URL``, whose version
        changes with any static file and so makes the browser install the new worker, and
        ``SCOPE``. It is never taken from a cache unasked.

    Raises
    ------
    FileNotFoundError
        At start-up, when there is no such static file.

    Examples
    --------
    ``path("driver/sw.js", service_worker("driver/sw.js", scope="/driver/"), name="worker")``
    """
    found = finders.find(script)
    if not isinstance(found, str):
        raise FileNotFoundError(f"There is no static file {script!r} to serve as a worker.")
    file = Path(found)

    @require_safe
    def worker(_request: HttpRequest) -> HttpResponse:
        told = {"STATIC_URL": settings.STATIC_URL, "SCOPE": scope}
        head = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in told.items())
        return HttpResponse(
            head + file.read_text(encoding="utf-8"),
            content_type="text/javascript; charset=utf-8",
            headers={"Service-Worker-Allowed": scope, "Cache-Control": "no-cache"},
        )

    worker.who_may = "everybody: a script that holds no data"  # type: ignore[attr-defined]
    return worker
