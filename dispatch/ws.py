"""The websocket routes of dispatch, listed in ``settings.SOCKET_ROUTES``."""

from django.urls import path

from dispatch.console.board.consumers import Board

routes = [path("ws/v1/board/", Board.as_asgi(), name="board")]
