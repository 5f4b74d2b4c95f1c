"""API views of delivery sessions: ask for offers, read them again, change the basket."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.orders.drafts import ParcelDraft, PlaceDraft
from dispatch.orders.models import Direction
from dispatch.slots.errors import OutsideEveryZone
from dispatch.slots.services import Goods
from lastmile.core.errors import DomainError, FieldProblem
from lastmile.core.http import etag, require_match
from lastmile.core.openapi import IF_MATCH
from portal.choice import services
from portal.choice.api import shapes
from portal.choice.api.access import CheckoutAPIView
from portal.choice.api.pictures import session_picture
from portal.choice.models import DeliverySession
from tenants.permissions import Act, may

_GOODS = frozenset(
    [
        *("parcels", "parcel_count", "weight_g", "volume_cm3", "value_minor", "currency"),
        *("skills", "least_age", "signature"),
    ]
)


class DeliveryOptionsView(CheckoutAPIView):
    """Asking for delivery options."""

    acts = {"post": Act.OFFERS_CHOOSE}
    answer: services.Answer | None = None

    def before_transaction(self, method: str) -> None:
        """Find the address and compute the offers before the transaction."""
        if self.is_repeated():
            return
        with suppress(DomainError, ValidationError):  # ``post`` raises the same error later
            self.answer = self._ask(self.shape_in(shapes.DeliveryOptionsIn))

    @extend_schema(
        operation_id="delivery_options_ask",
        request=shapes.DeliveryOptionsIn,
        responses={201: shapes.DeliveryOptionsOut},
    )
    def post(self, request: Request) -> Response:
        """Open a session: the offers for an address, a basket and some days."""
        data = self.shape_in(shapes.DeliveryOptionsIn)
        language = data.get("language", "") or get_language() or ""
        self.answer_in(language)
        session = services.open_session(
            answer=self.answer or self._ask(data),
            asker=self.asker,
            language=language,
            place={name: value for name, value in data["place"].items() if value not in ("", None)},
        )
        return show(self, session, 201, Location=f"{request.path}{session.public_id}/")

    def _ask(self, data: dict[str, Any]) -> services.Answer:
        goods = goods_of(data)
        answer = services.ask_for_address(
            place=PlaceDraft(**data["place"]),
            goods=goods,
            hub=data.get("hub", ""),
            since=data.get("since"),
            until=data.get("until"),
            caller=self.asker.caller,
        )
        if not may(self.principal, Act.OFFERS_CHOOSE, answer.question.request.hub.public_id):
            text = _("None of your hubs serves this place. Ask for access to more hubs.")
            problem = FieldProblem("/place", text, OutsideEveryZone.code)
            raise OutsideEveryZone(text, errors=[problem])
        return answer


class DeliverySessionView(CheckoutAPIView):
    """The view of one session."""

    acts = {"get": Act.OFFERS_VIEW, "patch": Act.OFFERS_CHOOSE}
    answer: services.Answer | None = None

    def before_transaction(self, method: str) -> None:
        """Compute the offers for the changed basket before the transaction."""
        if self.is_repeated():
            return
        with suppress(DomainError, ValidationError):  # ``patch`` raises the same error later
            data = self.shape_in(shapes.DeliveryOptionsChangeIn, partial=True)
            self.answer = self._ask(self.session(self.kwargs["public_id"]), data)

    @extend_schema(operation_id="delivery_options_get", responses=shapes.DeliveryOptionsOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return the offers that were shown and can still be booked, and what is held.

        After a reload of the page, `hold` is the place that the session holds, with its price and
        the seconds that are left.
        """
        return show(self, self.session(public_id))

    @extend_schema(
        operation_id="delivery_options_change",
        request=shapes.DeliveryOptionsChangeIn,
        responses=shapes.DeliveryOptionsOut,
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, public_id: str) -> Response:
        """Change the basket, the days or the language; an empty body computes the offers again.

        `price_changes` names each price that changed, with the reason. A held place gets its new
        price, too. If the goods have grown, hold an offer again before you confirm.
        """
        session = self.session(public_id)
        data = self.shape_in(shapes.DeliveryOptionsChangeIn, partial=True)
        require_match(request, session)
        self.answer_in(data.get("language", ""))
        changed = services.change_session(
            session=session,
            answer=self.answer or self._ask(session, data),
            language=data.get("language"),
        )
        return show(self, changed.session, changes=changed.changes)

    def _ask(self, session: DeliverySession, data: dict[str, Any]) -> services.Answer:
        return services.ask_again(
            session=session,
            goods=goods_of(data, session) if _GOODS & set(data) else None,
            since=data.get("since"),
            until=data.get("until"),
        )


def show(
    view: CheckoutAPIView,
    session: DeliverySession,
    status: int = 200,
    *,
    changes: Any = (),
    **headers: str,
) -> Response:
    """Return the response that shows a session."""
    picture = session_picture(session, costs=not view.by_checkout, changes=changes)
    return view.shape_out(shapes.DeliveryOptionsOut, picture, status, ETag=etag(session), **headers)


def goods_of(data: dict[str, Any], session: DeliverySession | None = None) -> Goods:
    """Return the goods of a body; fields that a change does not have stay as in the session."""
    values: dict[str, Any] = {}
    if session is not None:
        values = {
            "value_minor": session.value_minor,
            "skills": tuple(session.skills),
            "least_age": session.least_age,
            "signature": session.signature,
            "collects": session.collects,
            "service_s": session.service_s,
        }
        if "parcels" not in data:
            values |= {
                "parcel_count": session.parcel_count,
                "weight_g": session.weight_g,
                "volume_cm3": session.volume_cm3,
            }
    for name in _GOODS & set(data):
        values[name] = data[name]
    values["parcels"] = tuple(ParcelDraft(**parcel) for parcel in data.get("parcels", ()))
    values["skills"] = tuple(values.get("skills", ()))
    if "direction" in data:
        values["collects"] = data["direction"] == Direction.RETURN
    return Goods(**values)
