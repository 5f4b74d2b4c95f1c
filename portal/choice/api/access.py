"""The base of the views of checkouts: who calls, how often, and in which language."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from rest_framework.request import Request

from lastmile.core.http import fetch
from lastmile.core.http.address import client_address
from lastmile.core.idempotency import call_of, is_answered
from lastmile.core.limits import CallLimit, count_call
from portal.choice.models import Caller, DeliverySession
from portal.choice.selectors import sessions_of
from portal.choice.services import Asker
from tenants.languages import code_for_shoppers
from tenants.permissions import KeyRole, Kind, RetailerAPIView

KEY_SCOPE: Final = "checkout.key"
ADDRESS_SCOPE: Final = "checkout.address"
HOLDS_SCOPE: Final = "checkout.holds"
_HOUR_S: Final = 3600


class CheckoutAPIView(RetailerAPIView):
    """The base of API views that the pages of shops may call.

    Anybody can read a checkout key, so its calls are counted in PostgreSQL: all calls of the key,
    and the calls from each network address.
    """

    from_shops = True
    holds_place = False  # True for views whose POST takes a place in a slot

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Recognise the caller and check the act; count the call of a checkout key."""
        super().initial(request, *args, **kwargs)
        if self.by_checkout:
            count_call(self._limits(request))

    def get_throttles(self) -> list[Any]:
        """Return no throttle for checkout keys: all shoppers of a shop use the same key."""
        return [] if self.by_checkout else super().get_throttles()

    @property
    def by_checkout(self) -> bool:
        """True if the caller is a checkout key."""
        caller = self.principal
        return caller.kind == Kind.KEY and caller.role == KeyRole.CHECKOUT

    @property
    def asker(self) -> Asker:
        """The caller as a session stores it."""
        caller = self.principal
        kind = Caller.STAFF
        if caller.kind == Kind.KEY:
            kind = Caller.CHECKOUT if self.by_checkout else Caller.INTEGRATION
        origin = self.request.headers.get("Origin", "")[:200] if self.by_checkout else ""
        return Asker(caller=kind.value, principal=caller.public_id, origin=origin)

    def session(self, public_id: str) -> DeliverySession:
        """Return a session that the caller may see, and answer in its language."""
        session = fetch(sessions_of(self.principal), public_id)
        self.answer_in(session.language)
        return session

    def answer_in(self, language: str) -> None:
        """Answer in a language that shoppers have, if ``language`` (BCP 47) is one."""
        if code := code_for_shoppers(language):
            translation.activate(code)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request; the language that a session sets ends with it."""
        with translation.override(translation.get_language()):
            response = super().dispatch(request, *args, **kwargs)
            response.headers["Content-Language"] = translation.get_language() or "en"
        return response

    def is_repeated(self) -> bool:
        """Return True if this call has a stored answer, so that nothing needs to be prepared."""
        caller = self.principal
        required = caller.kind != Kind.MEMBER
        return is_answered(call_of(self.request, caller.public_id, required=required))

    def _limits(self, request: Request) -> list[CallLimit]:
        address, key = client_address(request), self.principal.public_id
        limits = [
            CallLimit(scope=KEY_SCOPE, subject=key, most=settings.LIMIT_CHECKOUT_KEY_PER_MINUTE),
            CallLimit(
                scope=ADDRESS_SCOPE,
                subject=address,
                most=settings.LIMIT_CHECKOUT_ADDRESS_PER_MINUTE,
            ),
        ]
        if self.holds_place and request.method == "POST":
            most = settings.LIMIT_CHECKOUT_HOLDS_PER_HOUR
            limits.append(CallLimit(scope=HOLDS_SCOPE, subject=address, most=most, per_s=_HOUR_S))
        return limits
