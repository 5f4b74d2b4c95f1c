"""The websocket routes of remarks. The setting SOCKET_ROUTES names this list."""

from django.urls import path

from tests.capability.consumers import Remarks

routes = [path("ws/v1/remarks/", Remarks.as_asgi())]
