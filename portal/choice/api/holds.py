"""API views of holds and choices: keep a place, confirm it, give it back."""

from __future__ import annotations

from contextlib import suppress

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots.models import Choice
from lastmile.core import clock
from lastmile.core.errors import DomainError, NotFound
from lastmile.core.http import fetch
from portal.choice import services
from portal.choice.api import shapes
from portal.choice.api.access import CheckoutAPIView
from portal.choice.api.pictures import choice_picture, hold_picture
from portal.choice.models import DeliverySession
from portal.choice.providers.base import HeldPlace
from portal.choice.selectors import choices_of, held_place
from tenants.permissions import Act


class _PlaceView(CheckoutAPIView):
    """The base of the views of holds and choices."""

    def hold(self, public_id: str) -> HeldPlace:
        """Return a hold that the caller may see, and answer in the language of its session."""
        held = held_place(self.principal, public_id)
        self.session_of(held.session)
        return held

    def choice(self, public_id: str) -> Choice:
        """Return a choice that the caller may see."""
        choice = fetch(choices_of(self.principal), public_id)
        self.session_of(choice.session)
        return choice

    def session_of(self, public_id: str) -> DeliverySession | None:
        """Return the session of a hold or choice, None if it has none or the session expired."""
        try:
            return self.session(public_id)
        except NotFound:
            return None

    def show_hold(self, held: HeldPlace, status: int = 200, **headers: str) -> Response:
        """Return the response that shows a hold."""
        return self.shape_out(shapes.HoldOut, hold_picture(held, clock.now()), status, **headers)

    def show_choice(self, choice: Choice, status: int = 200, **headers: str) -> Response:
        """Return the response that shows a choice."""
        picture = choice_picture(choice, clock.now(), orders=not self.by_checkout)
        return self.shape_out(shapes.ChoiceOut, picture, status, **headers)


class HoldsView(_PlaceView):
    """Holding an offer."""

    acts = {"post": Act.OFFERS_CHOOSE}
    holds_place = True
    tried_again_after = frozenset({VisitNotPrepared.code})
    ready: services.ReadyHold | None = None
    refused: DomainError | None = None  # what the preparation raised, for ``post``

    def before_transaction(self, method: str) -> None:
        """Compute the travel times of the place before the transaction."""
        self.ready = self.refused = None
        if self.is_repeated():
            return
        try:
            data = self.shape_in(shapes.HoldIn)
            self.ready = self._prepare(self.session(data["session"]), data)
        except ValidationError:
            return  # ``post`` raises the same error
        except DomainError as refused:
            self.refused = refused

    @extend_schema(
        operation_id="holds_place", request=shapes.HoldIn, responses={201: shapes.HoldOut}
    )
    def post(self, request: Request) -> Response:
        """Hold an offer of a session for some minutes; it replaces what the session held before.

        If the place is taken, 409 `slot_full` has up to three `alternatives` of the session.
        """
        if self.refused is not None:
            raise self.refused
        data = self.shape_in(shapes.HoldIn)
        session = self.session(data["session"])
        ready = self.ready or self._prepare(session, data)
        try:
            held = services.hold_offer(session=session, ready=ready)
        except VisitNotPrepared as fault:
            if self.is_last_try:
                raise services.busy_day(fault, session, ready.shown) from fault
            raise
        return self.show_hold(held, 201, Location=f"{request.path}{held.hold}/")

    def _prepare(self, session: DeliverySession, data: dict[str, str]) -> services.ReadyHold:
        return services.prepare_hold(
            session=session, offer=data["offer"], handover=data.get("handover", "")
        )


class HoldView(_PlaceView):
    """The view of one hold."""

    acts = {"get": Act.OFFERS_VIEW, "delete": Act.OFFERS_CHOOSE}

    @extend_schema(operation_id="holds_get", responses=shapes.HoldOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a hold with the seconds that are left."""
        return self.show_hold(self.hold(public_id))

    @extend_schema(operation_id="holds_release", request=None, responses=shapes.HoldOut)
    def delete(self, request: Request, public_id: str) -> Response:
        """Give the place back. A second call changes nothing."""
        return self.show_hold(services.release_hold(hold=self.hold(public_id).hold))


class ChoicesView(_PlaceView):
    """Confirming a hold."""

    acts = {"post": Act.OFFERS_CHOOSE}
    tried_again_after = frozenset({VisitNotPrepared.code})
    ready: services.ReadyChoice | None = None

    def before_transaction(self, method: str) -> None:
        """Compute the travel times of a hold that expired before the transaction."""
        self.ready = None
        if self.is_repeated():
            return
        with suppress(DomainError, ValidationError):  # ``post`` raises the same error later
            data = self.shape_in(shapes.ChoiceIn)
            self.ready = services.prepare_choice(held=self.hold(data["hold"]))

    @extend_schema(
        operation_id="choices_confirm", request=shapes.ChoiceIn, responses={201: shapes.ChoiceOut}
    )
    def post(self, request: Request) -> Response:
        """Confirm a hold: its place is kept until your order comes with the `id` of the choice.

        Anybody can read a checkout key, so only the order makes the promise.
        """
        data = self.shape_in(shapes.ChoiceIn)
        held = self.hold(data["hold"])
        ready = self.ready or services.prepare_choice(held=held)
        choice = services.confirm_choice(
            session=self.session_of(held.session),
            ready=ready,
            price_minor=data.get("price_minor"),
        )
        return self.show_choice(choice, 201, Location=f"{request.path}{choice.public_id}/")


class ChoiceView(_PlaceView):
    """The view of one choice."""

    acts = {"get": Act.OFFERS_VIEW, "delete": Act.OFFERS_CHOOSE}

    @extend_schema(operation_id="choices_get", responses=shapes.ChoiceOut)
    def get(self, request: Request, public_id: str) -> Response:
        """Return a choice with the seconds that are left."""
        return self.show_choice(self.choice(public_id))

    @extend_schema(operation_id="choices_cancel", request=None, responses=shapes.ChoiceOut)
    def delete(self, request: Request, public_id: str) -> Response:
        """Cancel a choice and give its place back. A second call changes nothing."""
        return self.show_choice(services.cancel_choice(choice=self.choice(public_id)))
