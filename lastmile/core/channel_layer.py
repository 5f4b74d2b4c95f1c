"""The channel layer of websockets, which also sends from synchronous code at little cost.

The layer of ``channels_redis`` is asynchronous. From a worker, each of its calls would need a new
event loop and a new connection. Sending is one PUBLISH for each group, so it needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from channels.layers import get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

WITHIN_S: Final = 2.0  # a server that does not answer holds up the caller no longer


class ChannelLayer(RedisPubSubChannelLayer):
    """Publish/subscribe with one server.

    Parameters
    ----------
    hosts : sequence of str
        The URL of the server. There may be only one: a group must be on the same server for those
        who send and those who listen.
    prefix : str
        The start of all names on the server.
    """

    def __init__(self, hosts: Sequence[str], prefix: str, **options: Any) -> None:
        super().__init__(hosts=hosts, prefix=prefix, **options)
        (self._url,) = hosts
        self._prefix = prefix

    @cached_property
    def _client(self) -> Redis:
        """The connections of this process. After a restart of the server, one is opened again."""
        return Redis.from_url(
            self._url,
            retry=Retry(NoBackoff(), 1),
            socket_connect_timeout=WITHIN_S,
            socket_timeout=WITHIN_S,
        )

    def send_to(self, groups: Iterable[str], message: Mapping[str, Any]) -> None:
        """Send a message to every socket of many groups, from synchronous code.

        Raises RedisError if the server is unavailable. A group that nobody has joined costs the
        server nothing.
        """
        content = self.serialize(dict(message))
        with self._client.pipeline(transaction=False) as pipeline:
            for group in groups:
                pipeline.publish(f"{self._prefix}__group__{group}", content)
            pipeline.execute()


def send_to_groups(groups: Iterable[str], message: Mapping[str, Any]) -> None:
    """Send a message to every socket of many groups of the default layer; see ``send_to``."""
    layer = get_channel_layer()
    if layer is not None:
        layer.send_to(groups, message)
