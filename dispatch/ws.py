"""Websocket routes of dispatch; settings.SOCKET_ROUTES names this list."""

from django.urls import path

from dispatch.console.board.consumers import Board

routes = [path("ws/v1/board/", Board.as_asgi(), name="board")]
