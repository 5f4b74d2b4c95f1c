"""The views that cabinets call: get a key, upload the journal, report and ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from lastmile.core.clock import real_now
from lastmile.core.errors import DomainError, Invalid
from lastmile.core.http.address import client_address
from lastmile.core.http.direct import Direct
from lastmile.core.http.parsing import strict_json
from lastmile.core.http.problems import known_problem, plain_problem_response
from lockers import services, signing
from lockers.errors import DeviceRefused
from lockers.journal import MOST_ENTRIES, BadEntry, EntryDraft, read_entry
from lockers.models import LockerDevice
from lockers.services import ClockWrong, IdentityConflict, SeqReplayed, SignedMessage
from tenants.permissions import open_to_all

MOST_BODY: Final = 1_000_000
View = Callable[[HttpRequest, str], HttpResponse]


def _object(body: bytes) -> dict[str, Any]:
    value = strict_json(body)
    if not isinstance(value, dict):
        raise Invalid(_("The body must be a JSON object."))
    return value


def _only(body: Mapping[str, Any], *names: str) -> None:
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise Invalid(_("Unknown field %(name)s. Leave it out.") % {"name": str(unknown[0])[:40]})


@csrf_exempt
@open_to_all("a cabinet, by its provisioning token")
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """Give a cabinet its keys for a provisioning token. The keys are in this answer only."""
    try:
        services.count_claim(address=client_address(request))
        body = _object(request.body)
        _only(body, "token", "firmware")
        token, firmware = body.get("token"), body.get("firmware", "")
        if not isinstance(token, str) or not isinstance(firmware, str):
            raise Invalid(_("Send the token as a text."))
        new = services.claim_token(secret=token[:200], firmware=firmware[:64])
    except Exception as fault:
        problem = known_problem(fault)
        if problem is None:
            raise
        return plain_problem_response(problem)
    bank = new.device.bank
    answer = {
        "device": new.device.public_id,
        "bank": bank.public_id,
        "key": new.key.hex(),
        "code_key": new.code_key.hex(),
        "time": signing.write_time(real_now()),
        "boxes": list(bank.compartments.values_list("number", flat=True)),
    }
    response = HttpResponse(json.dumps(answer), status=201, content_type="application/json")
    response["Cache-Control"] = "no-store"
    return response


def _message(request: HttpRequest) -> SignedMessage:
    headers = request.headers
    return SignedMessage(
        device=headers.get(signing.DEVICE_ID, "")[:64],
        seq=headers.get(signing.DEVICE_SEQ, "")[:20],
        time=headers.get(signing.DEVICE_TIME, "")[:40],
        signature=headers.get(signing.DEVICE_SIGNATURE, "")[:128],
        method=request.method or "",
        path=request.path,
        body=request.body,
        address=client_address(request),
    )


Take = Callable[[LockerDevice, SignedMessage, dict[str, Any]], dict[str, Any]]


def _signed(request: HttpRequest, bank: str, take: Take) -> HttpResponse:
    """Recognise the cabinet, take its message, and sign the answer with the same key."""
    device: LockerDevice | None = None
    message = _message(request)
    try:
        if len(message.body) > MOST_BODY:
            raise Invalid(_("The upload is too large. Send fewer entries at once."))
        device = services.recognise(message, bank=bank)
        answer = take(device, message, _object(message.body))
        content, status = json.dumps(answer).encode(), 200
    except ClockWrong as fault:
        device = LockerDevice.objects.get(public_id=fault.data["device"])
        content, status = _fault(fault), fault.status
    except IdentityConflict as fault:
        if device is not None:
            services.end_identity(device=device)
        content, status = _fault(fault), fault.status
    except (SeqReplayed, DeviceRefused) as fault:
        content, status = _fault(fault), fault.status
    except Exception as fault:
        problem = known_problem(fault)
        if problem is None:
            raise
        return plain_problem_response(problem)
    kind = "application/json" if status == 200 else "application/problem+json"
    response = HttpResponse(content, status=status, content_type=kind)
    if device is not None:
        time = signing.write_time(real_now())
        response[signing.SERVER_TIME] = time
        response[signing.SERVER_SIGNATURE] = signing.sign_answer(
            bytes(device.key), seq=message.number or 0, time=time, body=content
        )
    return response


def _fault(fault: DomainError) -> bytes:
    problem = known_problem(fault)
    return json.dumps(problem.body() if problem else {}).encode()


def _take_journal(
    device: LockerDevice, message: SignedMessage, body: dict[str, Any]
) -> dict[str, Any]:
    _only(body, "entries")
    items = body.get("entries")
    if not isinstance(items, list) or len(items) > MOST_ENTRIES:
        raise Invalid(_("Send at most 500 entries at once, as a list."))
    row = services.take_journal(device=device, message=message, entries=_entries(items))
    return {"acked_seq": row.acked_seq, "last_seq": row.last_seq}


def _entries(items: list[Any]) -> list[EntryDraft]:
    try:
        return [read_entry(item) for item in items]
    except BadEntry as bad:
        raise Invalid(_("An entry is malformed: %(why)s.") % {"why": str(bad)}) from None


_REPORT: Final = (
    "have", "firmware", "uptime_s", "power", "network", "temperature_c", "queue_depth",
)  # fmt: skip


def _take_heartbeat(
    device: LockerDevice, message: SignedMessage, body: dict[str, Any]
) -> dict[str, Any]:
    _only(body, *_REPORT)
    if any(not isinstance(value, str | int | float) for value in body.values()):
        raise Invalid(_("The values of a heartbeat are numbers and words."))
    if any(len(str(value)) > 64 for value in body.values()):
        raise Invalid(_("A value of the heartbeat is longer than 64 characters."))
    answer = services.take_heartbeat(device=device, message=message, report=body)
    with transaction.atomic():
        services.point_to_next_look()
    return answer


@csrf_exempt
@open_to_all("a cabinet, by the signature of its device in each call")
@require_POST
def journal(request: HttpRequest, bank: str) -> HttpResponse:
    """Take entries of a cabinet's journal; the answer names the highest number without a gap."""
    return _signed(request, bank, _take_journal)


@csrf_exempt
@open_to_all("a cabinet, by the signature of its device in each call")
@require_POST
def heartbeat(request: HttpRequest, bank: str) -> HttpResponse:
    """Take a cabinet's report; the answer has its commands and reservations."""
    return _signed(request, bank, _take_heartbeat)


journal.direct = Direct(answers_faults=True)  # type: ignore[attr-defined]
heartbeat.direct = Direct(answers_faults=True)  # type: ignore[attr-defined]
