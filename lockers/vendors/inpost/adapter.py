"""The adapter of InPost.

InPost takes a parcel for a point and finds a compartment when it arrives; a reservation is a
ShipX shipment. It is bought in the background after it was created, so ``status`` or a call to us
says later whether it is confirmed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings

from lastmile.core.clock import real_now
from lastmile.core.providers import Limits
from lockers.states import Rejection
from lockers.vendors.base import (
    Availability,
    Features,
    PointPage,
    PointState,
    VendorCall,
    VendorError,
    VendorPoint,
    VendorRequest,
    VendorStatus,
)
from lockers.vendors.comparing import sizes_for
from lockers.vendors.http import LIMITS, VendorHttp
from lockers.vendors.inpost.reading import (
    Unreadable,
    read_call,
    read_page,
    read_point,
    read_refusal,
    read_status,
)
from lockers.vendors.inpost.words import CANCELLED, COUNTRIES, SIZES, TEMPLATES

NAME: Final = "inpost"
SERVICE: Final = "inpost_locker_standard"
PER_PAGE: Final = 500  # the most that the points API returns
MOST_PAGES: Final = 1_000
SHIPMENTS_PER_PAGE: Final = 100
MOST_SHIPMENT_PAGES: Final = 20
#: Without ``updated_to`` the points API looks back three days at most.
LOOKS_BACK: Final = dt.timedelta(days=3)
_NUMBER: Final = re.compile(r"[0-9]{1,19}\Z")
_NOT_KNOWN: Final = frozenset({"resource_not_found", "404"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InPostCredentials:
    """The account: organisation, token, country, and whether it is for InPost's sandbox."""

    organization: str
    token: str = field(repr=False)
    country: str = "PL"
    is_sandbox: bool = False


class InPost:
    """InPost for one account.

    Raises ValueError for a country or an organisation that InPost does not have.
    """

    def __init__(self, credentials: InPostCredentials, *, limits: Limits = LIMITS) -> None:
        if credentials.country not in COUNTRIES:
            raise ValueError(f"{credentials.country}: choose one of {', '.join(COUNTRIES)}")
        if not _NUMBER.match(credentials.organization):
            raise ValueError("The ID of the organisation is a number.")
        self._credentials = credentials
        self._country = COUNTRIES[credentials.country]
        self._limits = limits

    @classmethod
    def for_account(cls, facts: Mapping[str, Any], secrets: Mapping[str, Any]) -> InPost:
        """Return the adapter for the settings and secrets of an account. Raises ValueError."""
        return cls(
            InPostCredentials(
                organization=str(facts.get("organization", "")),
                token=str(secrets.get("token", "")),
                country=str(facts.get("country", "PL")),
                is_sandbox=facts.get("is_sandbox") is True,
            )
        )

    def features(self) -> Features:
        """Return the abilities of InPost."""
        return Features(counts=False, holds=False, cancels=True, own_codes=True, signs=True)

    def points(self, since: dt.date | None = None) -> Iterator[PointPage]:
        """Return the points page by page; all of them if ``since`` is more than three days ago."""
        today = real_now().astimezone(dt.UTC).date()
        params = {"per_page": str(PER_PAGE)}
        if since is not None and since >= today - LOOKS_BACK:
            params["updated_from"] = since.isoformat()
        with self._points_http() as http:
            for number in range(1, MOST_PAGES + 1):
                data = http.read("/v1/points", params | {"page": str(number)})
                page = read_page(data, wanted=number, **self._of_country())
                yield page
                if page.is_last:
                    return
        raise VendorError("its list has no end", permanent=True, code="endless")

    def point(self, vendor_id: str) -> VendorPoint | None:
        """Return a point as it is now; None if InPost does not know it."""
        try:
            with self._points_http() as http:
                data = http.read(f"/v1/points/{quote(vendor_id, safe='')}")
            return read_point(data, **self._of_country())
        except VendorError as fault:
            if fault.code in _NOT_KNOWN:
                return None
            raise
        except Unreadable as odd:
            raise VendorError(f"its point: {odd}", permanent=False, code="odd_answer") from odd

    def availability(self, vendor_id: str) -> Availability:
        """Return the state and the room of a point now. One that is not known left the network."""
        point = self.point(vendor_id)
        if point is None:
            return Availability(state=PointState.LEFT)
        return Availability(state=point.state, room=point.room)

    def reserve(self, request: VendorRequest) -> VendorStatus:
        """Create a shipment to a point, once."""
        fitting = sizes_for(SIZES, request.parcel)
        if not fitting:
            raise VendorError(
                "the parcel is too large", permanent=True, reason=Rejection.DIMENSIONS_EXCEED
            )
        size = next((one for one in fitting if request.weight_g <= one.most_weight_g), None)
        if size is None:
            raise VendorError(
                "the parcel is too heavy", permanent=True, reason=Rejection.WEIGHT_EXCEED
            )
        body = {
            "receiver": {"phone": request.phone, "email": request.email},
            "parcels": [{"template": TEMPLATES[size.word]}],
            "service": SERVICE,
            "custom_attributes": {"target_point": request.point},
            "reference": request.reference,
        }
        with self._http() as http:
            data = http.write("POST", self._shipments, body)
        return _status(data, unclear=True)

    def find(self, reference: str, since: dt.datetime) -> VendorStatus | None:
        """Return the shipment with our reference, among those created since a time.

        The API has no filter for a reference, so the shipments of that time are read.
        """
        params = {
            "created_at_gteq": since.isoformat(),
            "service": SERVICE,
            "sort_by": "created_at",
            "sort_order": "asc",
            "per_page": str(SHIPMENTS_PER_PAGE),
        }
        seen = 0
        with self._http() as http:
            for number in range(1, MOST_SHIPMENT_PAGES + 1):
                data = http.read(self._shipments, params | {"page": str(number)})
                items = _items(data)
                for item in items:
                    if isinstance(item, dict) and item.get("reference") == reference:
                        return _status(item)
                seen += len(items)
                if seen >= _count(data):
                    return None
                if not items:  # it must not pass for a list without our reference
                    raise VendorError("its list has a gap", permanent=False, code="odd_page")
        raise VendorError("too many shipments to look through", permanent=False, code="too_many")

    def cancel(self, vendor_id: str) -> VendorStatus:
        """Cancel a shipment that is not bought yet. InPost refuses it afterwards."""
        try:
            with self._http() as http:
                http.write("DELETE", self._shipment(vendor_id))
        except VendorError as fault:
            if fault.code != "invalid_action" and not fault.unclear:
                raise
            status = self.status(vendor_id)
            if status.word != CANCELLED:
                raise
            return status
        return _status({"id": int(vendor_id), "status": CANCELLED})

    def status(self, vendor_id: str) -> VendorStatus:
        """Return the state of a shipment."""
        with self._http() as http:
            return _status(http.read(self._shipment(vendor_id)))

    def parse(self, body: bytes) -> VendorCall:
        """Return the content of a verified call to us. Raises ValueError for an odd body."""
        return read_call(body)

    @property
    def _shipments(self) -> str:
        return f"/v1/organizations/{self._credentials.organization}/shipments"

    def _shipment(self, vendor_id: str) -> str:
        if not _NUMBER.match(vendor_id):
            raise VendorError(
                "it has no such shipment",
                permanent=True,
                reason=Rejection.PROVIDER_ERROR,
                code="resource_not_found",
            )
        return f"/v1/shipments/{vendor_id}"

    def _of_country(self) -> dict[str, str]:
        return {"country": self._credentials.country, "zone": self._country.zone}

    def _http(self) -> VendorHttp:
        usual = (
            self._country.sandbox_shipments
            if self._credentials.is_sandbox
            else self._country.shipments
        )
        return VendorHttp(
            _address(usual),
            refusal=read_refusal,
            headers={
                "Authorization": f"Bearer {self._credentials.token}",
                "Accept-Language": "keys",  # codes instead of sentences in Polish
            },
            limits=self._limits,
        )

    def _points_http(self) -> VendorHttp:
        """Return a client for the points, which are public: it sends no token."""
        usual = (
            self._country.sandbox_points if self._credentials.is_sandbox else self._country.points
        )
        return VendorHttp(_address(usual), refusal=read_refusal, limits=self._limits)


def _address(usual: str) -> str:
    return str(settings.LOCKER_VENDOR_URLS.get(NAME, usual))


def _status(data: Any, *, unclear: bool = False) -> VendorStatus:
    """Return the state in an answer. An odd answer to a write is unclear: it was taken."""
    try:
        return read_status(data)
    except Unreadable as odd:
        raise VendorError(
            f"its shipment: {odd}", permanent=False, unclear=unclear, code="odd_answer"
        ) from odd


def _items(data: Any) -> list[Any]:
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise VendorError("its page has no list of shipments", permanent=False, code="odd_page")
    return items


def _count(data: Any) -> int:
    """Return the number of all shipments. Raises VendorError if the page does not say it."""
    count = data.get("count")
    if not isinstance(count, int) or isinstance(count, bool):
        raise VendorError("its page has no count", permanent=False, code="odd_page")
    return count
