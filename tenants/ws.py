"""The websocket route for unknown addresses; settings.SOCKET_ROUTES names this list last."""

from django.urls import re_path

from lastmile.core.sockets import NothingHere

nothing_here = [re_path(r"", NothingHere.as_asgi())]
