"""The view that GPS apps and servers call: ``/osmand/``. The key of the device is in the call."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from rest_framework.exceptions import ParseError

from dispatch.live.gps_clients import Sent, read_body, read_query
from dispatch.live.points import BadPoint
from dispatch.live.selectors import tracker_of_key
from dispatch.live.services import (
    PointSource,
    count_unknown_tracker,
    note_device_used,
    note_ended_tracker,
    take_positions,
)
from lastmile.core.errors import NotFound
from lastmile.core.http.address import client_address
from lastmile.core.http.direct import Direct, leave_to_usual_way
from lastmile.core.http.parsing import strict_json
from lastmile.core.http.problems import known_problem, plain_problem_response
from tenants.permissions import open_to_all


@csrf_exempt
@open_to_all("a GPS app or tracker, by the key of its device in each call")
@require_http_methods(["GET", "POST"])
def gps_client(request: HttpRequest) -> HttpResponse:
    """Take the positions of OsmAnd, Traccar Client or a forwarding Traccar server.

    A known device always gets 200 after its positions are dealt with, so that it sends none of
    them again. An unknown one gets 404, and after many tries 429.
    """
    try:
        sent = _sent(request)
        device = tracker_of_key(sent.secret)
        if device is None:
            leave_to_usual_way(request)
            count_unknown_tracker(address=client_address(request))
            note_ended_tracker(key=sent.secret)
            raise NotFound(
                _("This device is not known. Copy the address of the tracker again from the page"
                  " of the driver's phones.")
            )  # fmt: skip
        note_device_used(device)
        source = PointSource(public_id=device.public_id, driver_pk=device.driver_id, device=device)
        take_positions(source=source, points=sent.points)
    except Exception as fault:
        problem = known_problem(fault)
        if problem is None:
            raise
        return plain_problem_response(problem)
    return HttpResponse(b"OK\n", content_type="text/plain")


gps_client.direct = Direct(  # type: ignore[attr-defined]
    methods=frozenset({"GET", "POST"}), answers_faults=False
)


def _sent(request: HttpRequest) -> Sent:
    """Read the query, the form or the JSON; the key may also be in the query beside a body.

    A body that cannot be read is a malformed position of the device that the query names, so that
    staff learns of it. It is answered like a stored one: the client would send it again for ever.
    """
    values = {name: str(value) for name, value in request.GET.items()}
    raw = request.body.strip() if request.method == "POST" else b""
    if raw[:1] not in {b"{", b"["}:
        form = request.POST or QueryDict(raw)  # some clients send a form without its type
        return read_query(values | {name: str(value) for name, value in form.items()})
    try:
        sent = read_body(strict_json(raw))
    except ParseError:
        sent = Sent("")
    if sent.secret:
        return sent
    named = values.get("id") or values.get("deviceid") or ""
    return Sent(named, sent.points or [BadPoint("", "malformed")])
