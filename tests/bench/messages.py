"""Both campaigns of messages, one after the other."""

from __future__ import annotations

from tests.bench import messages_chaos, messages_latency


def run() -> str:
    """Run both parts; return their figures. Raises what a part raises."""
    return f"chaos: {messages_chaos.run()}. latency: {messages_latency.run()}"
