"""A rate limit per caller, so that one client in a loop does not slow down the others.

It is not a security measure: it counts in the cache without atomic updates, and it lets all calls
pass while the cache is unavailable. Limits for security (sign-ins, codes) are counted in
PostgreSQL.
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
    """Allows LIMIT_API_PER_MINUTE calls per minute for each principal.

    Callers that are not authenticated are counted by network address.
    """

    scope = "caller"

    def get_rate(self) -> str:
        """Return the rate in DRF's notation."""
        return f"{settings.LIMIT_API_PER_MINUTE}/minute"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """Return the cache key of the caller in this retailer."""
        principal = getattr(request, "user", None)
        caller = principal.public_id if principal is not None else client_address(request)
        return cache_key("throttle", caller)

    def allow_request(self, request: Any, view: Any) -> bool:
        """Count the call; return True if it is within the limit.

        While the cache is unavailable, every call is allowed.
        """
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError) as error:
            log.warning("Calls are not counted, the cache is unavailable: %s", error)
            return True
