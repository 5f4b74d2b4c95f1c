"""A view that serves a service worker under a module's own address.

A browser lets a service worker control only addresses below its own address, and static files are
served from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


def service_worker(
    script: str, *, scope: str, files: Callable[[], Iterable[str]] | None = None
) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view of a service worker.

    Parameters
    ----------
    script : str
        The static file, ``driver/sw.js``.
    scope : str
        The address below which the worker may answer requests, ``/driver/``. It is sent as
        ``Service-Worker-Allowed``; the page registers the worker with the same scope.
    files : callable, optional
        Returns static files of other modules, for the constant ``OTHER_FILES``.

    Returns
    -------
    Callable
        A view that returns the script with constants before it: ``STATIC_URL``, ``SCOPE`` and
        ``OTHER_FILES``.
        The version in ``STATIC_URL`` changes with any static file, which makes the browser install
        the new worker. Caches must revalidate the script.

    Raises
    ------
    FileNotFoundError
        At start-up, when there is no such static file.

    Examples
    --------
    ``path("driver/sw.js", service_worker("driver/sw.js", scope="/driver/"), name="worker")``
    """
    path = finders.find(script)
    if not isinstance(path, str):
        raise FileNotFoundError(f"There is no static file {script!r} to serve as a worker.")
    file = Path(path)

    @require_safe
    def worker(_request: HttpRequest) -> HttpResponse:
        constants = {
            "STATIC_URL": settings.STATIC_URL,
            "SCOPE": scope,
            "OTHER_FILES": sorted(files()) if files else [],
        }
        head = "".join(
            f"const {name} = {json.dumps(value)};\n" for name, value in constants.items()
        )
        return HttpResponse(
            head + file.read_text(encoding="utf-8"),
            content_type="text/javascript; charset=utf-8",
            headers={"Service-Worker-Allowed": scope, "Cache-Control": "no-cache"},
        )

    worker.who_may = "everybody: a script that holds no data"  # type: ignore[attr-defined]
    return worker
