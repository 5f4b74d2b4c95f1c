"""Frames of the websockets, ``{type, seq, retailer, data}``: written once, sent to many."""

from __future__ import annotations

import json
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from lastmile.core.tenancy import current_retailer, group_name


def frame(retailer: str, kind: str, seq: int | None, data: Any) -> str:
    """Return a frame as text; ``retailer`` is the public id."""
    return json.dumps(
        {"type": kind, "seq": seq, "retailer": retailer, "data": data},
        cls=DjangoJSONEncoder,
        ensure_ascii=False,
        separators=(",", ":"),
    )


def broadcast(*group: str, kind: str, seq: int | None, data: Any) -> None:
    """Send a delta to every socket in a group of the retailer at hand, after the commit.

    Parameters
    ----------
    group : str
        Parts of the group's name, as the consumer joined it.
    kind, seq, data
        The frame. ``seq`` comes from what is shown (a revision, a position), never from the
        socket, so that a lost frame shows as a gap and the client asks for a snapshot.

    Notes
    -----
    Lossy by nature; the state stands in PostgreSQL. A channel layer that is away fails nobody.
    """
    text = frame(current_retailer().public_id, kind, seq, data)
    name = group_name(*group)

    def send() -> None:
        layer = get_channel_layer()
        if layer is not None:
            async_to_sync(layer.group_send)(name, {"type": "frame.out", "seq": seq, "text": text})

    transaction.on_commit(send, robust=True)
