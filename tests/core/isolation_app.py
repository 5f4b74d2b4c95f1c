"""A test application that returns the schema whose row it reads, in right and in naive ways.

Each retailer has one event whose subject is the name of its schema.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from django_tenants.utils import schema_context

from lastmile.core.models import Event
from lastmile.core.tasks import retailer_task
from lastmile.core.tenancy import current_retailer, in_retailer
from tenants.selectors import by_host

READS = 4  # per answer
NAIVE = "naive"  # the alias under which django_tenants' own backend looks at the same database


def whose(alias: str = "default") -> str:
    """Return the schema whose row the current database connection reads."""
    return Event.objects.using(alias).values_list("subject", flat=True).get()


# --- views -----------------------------------------------------------------------------------
def sync_view(request: HttpRequest) -> JsonResponse:
    return JsonResponse([whose() for _turn in range(READS)], safe=False)


async def async_view(request: HttpRequest) -> JsonResponse:
    schemas = []
    for turn in range(READS):
        await asyncio.sleep(0)
        if turn % 2:
            schemas.append(await in_retailer(current_retailer(), whose))
        else:
            schemas.append((await Event.objects.aget()).subject)
    return JsonResponse(schemas, safe=False)


def stream_view(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "["
        for turn in range(READS):
            yield ("," if turn else "") + json.dumps(whose())
        yield "]"

    return StreamingHttpResponse(parts())


async def async_stream_view(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield "["
        for turn in range(READS):
            event = await Event.objects.aget()
            yield ("," if turn else "") + json.dumps(event.subject)
        yield "]"

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("sync", sync_view),
    path("async", async_view),
    path("stream", stream_view),
    path("async-stream", async_stream_view),
]


# --- sockets ---------------------------------------------------------------------------------
class Socket(AsyncWebsocketConsumer):
    """A socket that answers every message with the schema whose row it reads."""

    async def connect(self) -> None:
        hosts = [value for key, value in self.scope["headers"] if key == b"host"]
        self.retailer = await database_sync_to_async(by_host)(hosts[0].decode())
        await self.enter()
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            answer = await self.read()
        except Exception as fault:  # noqa: BLE001 (a wrong answer of another kind)
            answer = type(fault).__name__
        await self.send(text_data=answer)

    async def enter(self) -> None:
        pass

    async def read(self) -> str:
        return await in_retailer(self.retailer, whose)


class SetOnceSocket(Socket):
    """A socket that sets the tenant on the connection when it opens, as the tutorials do."""

    async def enter(self) -> None:
        await database_sync_to_async(self.set_tenant)()

    def set_tenant(self) -> None:
        connections[NAIVE].set_schema(self.retailer.schema)

    async def read(self) -> str:
        return await database_sync_to_async(whose)(NAIVE)


class AsyncContextSocket(Socket):
    """A socket that uses the async ORM inside django_tenants' context, in the event loop."""

    async def read(self) -> str:
        with schema_context(self.retailer.schema, database=NAIVE):
            await asyncio.sleep(0)
            return (await Event.objects.using(NAIVE).aget()).subject


def application() -> ProtocolTypeRouter:
    """Return the ASGI application; its middleware is read from the settings."""
    sockets = [
        path("ws/ours", Socket.as_asgi()),
        path("ws/set-once", SetOnceSocket.as_asgi()),
        path("ws/async-context", AsyncContextSocket.as_asgi()),
    ]
    return ProtocolTypeRouter({"http": ASGIHandler(), "websocket": URLRouter(sockets)})


# --- tasks -----------------------------------------------------------------------------------
@retailer_task("tests.whose")
def whose_task(**kwargs: Any) -> str:
    return whose()
