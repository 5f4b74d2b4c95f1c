"""The websocket routes of portal, listed in ``settings.SOCKET_ROUTES``."""

from django.urls import path

from portal.tracking.consumers import TrackSocket

routes = [path("ws/v1/track/<str:secret>/", TrackSocket.as_asgi(), name="track")]
