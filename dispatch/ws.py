"""The websocket routes of dispatch, listed in ``settings.SOCKET_ROUTES``."""

from django.urls import path

from dispatch.console.board.consumers import Board
from dispatch.driver.consumers import DriverSocket

routes = [
    path("ws/v1/board/", Board.as_asgi(), name="board"),
    path("ws/v1/driver/", DriverSocket.as_asgi(), name="driver"),
]
