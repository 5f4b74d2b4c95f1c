"""The ASGI entry point: HTTP goes to Django, websockets go to the consumers."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings")
_http = get_asgi_application()  # first: it loads the apps that the consumers import

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import URLPattern, get_resolver  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from lastmile.core.http.direct import DirectViews  # noqa: E402
from lastmile.core.http.stalls import LoopWatch  # noqa: E402


def socket_routes() -> list[URLPattern]:
    """Return the websocket routes that settings.SOCKET_ROUTES names.

    The last route matches every other address and closes with 4404.
    """
    return [route for name in settings.SOCKET_ROUTES for route in import_string(name)]


# The views and their libraries take more than a second to load. Otherwise the first request after a
# restart would wait for them.
for _urlconf in (settings.ROOT_URLCONF, settings.PUBLIC_SCHEMA_URLCONF):
    get_resolver(_urlconf).url_patterns  # noqa: B018

application = ProtocolTypeRouter(
    {
        "lifespan": LoopWatch(),
        "http": DirectViews(_http),
        "websocket": import_string(settings.SOCKET_GATE)(URLRouter(socket_routes())),
    }
)
