"""A quality-of-service limit per caller, so that one loop does not slow everybody.

Not a security measure: it counts in the cache, not atomically, and lets everybody pass while the
cache is away. What must hold (log-ins, codes) is counted in PostgreSQL.
"""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.throttling import SimpleRateThrottle

from lastmile.core.http.address import client_address
from lastmile.core.tenancy import cache_key

log = logging.getLogger(__name__)


class CallerThrottle(SimpleRateThrottle):
    """At most LIMIT_API_PER_MINUTE calls a minute for each principal, or address of a stranger."""

    scope = "caller"

    def get_rate(self) -> str:
        """Return the rate in DRF's words."""
        return f"{settings.LIMIT_API_PER_MINUTE}/minute"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Return who is counted, in this retailer."""
        principal = getattr(request, "user", None)
        who = principal.public_id if principal is not None else client_address(request)
        return cache_key("throttle", who)

    def allow_request(self, request: Any, view: Any) -> bool:
        """Count; a cache that is away stops nobody."""
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError) as away:
            log.warning("Calls are not counted, the cache is away: %s", away)
            return True
