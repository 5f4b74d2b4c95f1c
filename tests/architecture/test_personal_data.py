"""Every column with text is listed: does it identify a shopper, and how is it erased?

A new model or text column fails here until it is in one of the lists below. A column in ``ERASED``
must be emptied by a function of ``ERASE_SHOPPER`` (tests/dispatch/test_erasing.py checks it with
real rows). A column in ``FORGOTTEN`` is deleted by age.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models

from dispatch.orders.models import Shopper
from lastmile import switchboard
from lastmile.core.wiring import roll

#: Erased on request: model -> columns. `erase_shopper` blanks or coarsens each of them.
ERASED = {
    "orders.shopper": "name phone email language",
    "orders.place": "text street house_number unit postcode key lat lon provider precision"
    " confidence doubted_lat doubted_lon",
    "orders.order": "notes search",
    "orders.accessnote": "text code",
    "intake.importbatch": "filename problem_params warnings",
    "intake.importfile": "content sketch corrections",
    "intake.refusedrow": "cells faults",
    "planning.planinput": "points",
    "planning.route": "geometry",
    "slots.hold": "place_text lat lon",
    "slots.choice": "place_text lat lon",
    "planning.tentativevisit": "lat lon",
    "people.auditentry": "changes",
    "tracking.rating": "comment",
    "tracking.curbsidearrival": "bay car",
    "core.job": "payload result detail progress_note",
    "choice.deliverysession": "place_text place lat lon",
    "choice.shownoffer": "details",  # the ways to banks of lockers tell where the address is
    "notifications.threadentry": "text",
    "core.idempotencyrecord": "body headers",
    "core.delivery": "error",
    "notifications.message": "values text subject secret",
    "notifications.providercall": "words",
    "notifications.keptmessage": "to subject text html",
    "notifications.contact": "address language",
    "live.driveract": "note lat lon",
    "live.proof": "name",
    "live.photo": "content fingerprint kept_name",
    "live.position": "lat lon",
    "live.lastposition": "lat lon",
    "live.arrival": "stop",
}
#: Deleted by age, with any content: `forget`.
FORGOTTEN = {
    "notifications.keptmessage": "to subject text html",
    "tracking.curbsidearrival": "bay car",
    "slots.hold": "place_text lat lon",
    "slots.choice": "place_text lat lon",
    "intake.importfile": "content sketch corrections",
    "intake.refusedrow": "cells faults",
    "people.auditentry": "changes",
    "core.idempotencyrecord": "principal route key body_hash headers body",
    "notifications.contact": "address language digest",
    "notifications.message": "text subject secret values",
    "notifications.threadentry": "text",
    "notifications.budgetuse": "scope subject_hash",
    "live.driveract": "note lat lon",
    "live.proof": "name",
    "live.photo": "content fingerprint kept_name",
    "live.position": "source lat lon accuracy_m speed_mps",
    "live.lastposition": "source lat lon accuracy_m speed_mps",
    "live.arrival": "stop",
    "live.device": "public_id kind key_digest name made_by app_version refused_code",
    "live.loginlink": "public_id secret_digest code_digest made_by",
    "lockers.lockerdevice": "refused_from",
    "lockers.devicemessage": "path body_sha256",
    "lockers.provisioningtoken": "public_id secret_digest made_by",
    "lockers.vendorreport": "vendor_id event word tracking",
    "core.shortcode": "purpose subject digest key_id",
    "core.callcount": "scope subject_hash",
    "choice.deliverysession": "place_text place lat lon",
    "people.session": "session_key session_data",
    "people.loginattempt": "scope subject_hash",
    "people.socketticket": "secret_hash kind principal_id session_key",
}
#: Does not identify a shopper: ids, words of a fixed list, hashes, codes of goods, staff.
IMPERSONAL = {
    # The digest of a contact stays, so that an opt-out survives erasing (ADR 0052).
    "notifications.consententry": "channel by actor",
    "notifications.thread": "public_id channel",
    "notifications.threadentry": "direction key actor",
    "notifications.savedreply": "public_id language title text",
    "core.event": "public_id kind subject actor data lane",
    "core.delivery": "handler lane state",
    "core.job": "public_id kind subject actor hub state reason dedupe_key",
    "core.derivedsecret": "purpose subject digest key_id",
    "people.member": "public_id email name role hubs language password",
    "people.firstowner": "retailer email name",
    "people.apikey": "public_id name role hubs ref origins secret_hash hint created_by",
    "people.auditentry": "public_id actor act subject",
    "people.policysection": "section values",
    "people.brandimage": "digest media_type content",
    "fleet.hub": "public_id external_id name address lat lon zone hours network",
    "fleet.zone": "public_id external_id name polygon min_lat min_lon max_lat max_lon",
    "fleet.vehicle": "public_id external_id name plate profile energy skills emission_class",
    "fleet.driver": "public_id external_id name phone skills member",
    "fleet.shift": "public_id external_id breaks state",
    "core.callbackrecord": "vendor key digest",
    "orders.shopper": "public_id",
    "orders.place": "public_id city region country pin_source doubt",
    "orders.order": "public_id external_id digest source direction hub_choice skills currency"
    " handover state",
    "orders.parcel": "public_id external_id barcode",
    "orders.accessnote": "kind",
    "orders.promise": "public_id option handover cause currency slot",
    "orders.attempt": "public_id outcome reason stop arrived_from",
    "intake.importbatch": "public_id sha256 actor hubs_scope language job state problem_code"
    " unknown_headings headings changes to_tell kind options",
    "intake.columnmatch": "kind key columns actor",
    "tracking.rating": "public_id",
    "tracking.curbsidearrival": "public_id",
    "planning.plan": "public_id status job actor published_by currency engine solver_version work"
    " input_sha256 network travel_source travel_note travel_params",
    "planning.planinput": "problem holds",
    "planning.route": "public_id breaks violations",
    "planning.stop": "public_id violations leg_notes",
    "planning.unserved": "reason params",
    "planning.solvepart": "job state problem present seconds result",
    "planning.planedit": "act actor facts before after by_hand",
    "live.driveract": "public_id kind stop data result problem",
    "live.proof": "public_id kind how parcels flags",
    "live.photo": "public_id sha256 state refused_code kept_sha256",
    "live.run": "public_id",
    "live.custodystep": "public_id kind place by",
    "live.visitprogress": "outcome reason attempt stop arrived_from",
    "live.forecast": "pace_s_per_m",
    "live.incident": "public_id kind key params state settled_by settled_how",
    "slots.slottemplate": "public_id external_id name option rrule on_holidays",
    "slots.blackout": "public_id external_id option reason",
    "slots.hubcalendar": "country subdivision",
    "slots.slot": "public_id option state closed_reason",
    "slots.hold": "public_id session caller state skills handover currency price_parts",
    "slots.choice": "public_id session state option handover slot place_ref currency",
    "planning.tentativeday": "reason network fleet",
    "planning.tentativevisit": "key skills state reason params",
    "planning.tentativechange": "op key new_key",
    "notifications.channelaccount": "public_id channel kind source settings secrets per_s"
    " on_at_machine state paused_code check_code",
    "notifications.contact": "public_id kind digest",
    "notifications.contactchannel": "channel opted_out_by sender preferences",
    "notifications.message": "public_id origin moment recipient channel hub_id language zone state"
    " reason reason_params passed_over provider_id template_digest currency",
    "notifications.providercall": "result code provider_id",
    "notifications.keptmessage": "public_id channel language",
    "notifications.providerreport": "channel provider_id state code currency source named",
    "notifications.messagetemplate": "public_id moment language channel parts content_sid"
    " content_variables digest edited_by",
    "notifications.templateversion": "parts content_sid content_variables digest edited_by",
    "notifications.momentsetting": "moment channels",
    "notifications.emaillayout": "mjml html",
    "lockers.lockerbank": "public_id external_id kind network name address access lat lon zone"
    " country hours capabilities code_key state",
    "lockers.compartment": "public_id number size_class side state door",
    # The caller's name for the parcel is a code of goods, as a barcode is.
    "lockers.lockerreservation": "public_id external_id purpose mode state reason parcel_ref bundle"
    " alternates courier_door courier_act",
    "lockers.codegrant": "public_id role state made_by revoked_why",
    "lockers.lockerchange": "what before after cause actor",
    "lockers.lockerdevice": "public_id key state made_by firmware health refused_code",
    "lockers.journalentry": "public_id kind data body_sha256 result problem",
    "lockers.lockercommand": "public_id kind why state failure made_by",
    "lockers.couriersession": "public_id opener",
    "lockers.lockerevent": "public_id sender kind reason",
    "lockers.lockeraccount": "public_id vendor facts secrets",
    "lockers.vendorreservation": "public_id reference vendor_id point word state reason code"
    " tracking",
    "choice.deliverysession": "public_id caller principal origin parcel_sides_mm skills currency"
    " language green_offer not_ready not_offered",
    "choice.shownoffer": "provider offer option handovers currency price_parts travel_source"
    " reason hold",
    "choice.lockerhold": "public_id session offer option handover currency price_parts",
    "orders.commonstop": "key refused",
}
#: Rows that lead to a shopper without text about the shopper: counts, times, money, ids stay.
KEPT = {
    "orders.order", "orders.parcel", "orders.promise", "orders.attempt", "planning.stop",
    "planning.unserved", "notifications.thread", "choice.lockerhold", "orders.commonstop",
    "notifications.providerreport",
    "notifications.pushsubscription",
    "live.visitprogress", "live.incident", "live.custodystep",
    "lockers.lockerreservation", "lockers.codegrant", "lockers.lockerchange",
    "lockers.journalentry", "lockers.lockercommand", "lockers.vendorreservation",
    "lockers.lockerevent",
}  # fmt: skip
TELLING = (
    models.TextField,
    models.CharField,
    models.JSONField,
    models.BinaryField,
    models.FloatField,
    models.DecimalField,
    models.GenericIPAddressField,
    models.FileField,
)


def retailers_models() -> list[type[models.Model]]:
    names = set(settings.TENANT_APPS) - {"django.contrib.contenttypes"}
    labels = {config.label for config in apps.get_app_configs() if config.name in names}
    return [model for model in apps.get_models() if model._meta.app_label in labels]


def columns(lists: dict[str, str]) -> set[str]:
    return {f"{label}.{name}" for label, names in lists.items() for name in names.split()}


def telling(models_: list[type[models.Model]]) -> set[str]:
    return {
        f"{model._meta.label_lower}.{field.name}"
        for model in models_
        for field in model._meta.concrete_fields
        if isinstance(field, TELLING)
    }


def leading_to(target: type[Any], models_: list[type[models.Model]]) -> set[str]:
    """Return the models from which foreign keys lead to ``target``, directly or not."""
    reached: set[type[Any]] = {target}
    while True:
        more = {
            model
            for model in models_
            for field in model._meta.concrete_fields
            if field.related_model in reached
        } - reached
        if not more:
            return {model._meta.label_lower for model in reached - {target}}
        reached |= more


def test_every_column_that_can_tell_who_somebody_is_is_in_a_list() -> None:
    listed = columns(ERASED) | columns(FORGOTTEN) | columns(IMPERSONAL)
    new = telling(retailers_models()) - listed
    assert new == set(), "Say in this file whether these columns tell who a shopper is."
    assert listed - telling(retailers_models()) == set()  # and no column that no longer exists
    assert columns(ERASED) & columns(IMPERSONAL) == set()


def test_every_model_that_leads_to_a_shopper_is_erased_or_kept_for_a_reason() -> None:
    labels = leading_to(Shopper, retailers_models())
    assert {"orders.order", "planning.stop"} <= labels
    assert labels - set(ERASED) - KEPT == set()


def test_every_app_with_such_columns_is_on_the_rolls() -> None:
    on_roll = {room.removesuffix(".services").split(".")[-1] for room, _ in roll("ERASE_SHOPPER")}
    on_roll |= {path.split(".")[-3] for path in switchboard.ERASE_SHOPPER}
    assert {label.split(".")[0] for label in ERASED} <= on_roll
    forgets = {part for path in switchboard.FORGET for part in path.split(".")}
    assert {label.split(".")[0] for label in FORGOTTEN} <= forgets
    assert len(roll("FIND_SHOPPER")) == 1


def test_the_lists_bite() -> None:
    class Diary(models.Model):
        text = models.TextField()
        order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="+")

        class Meta:
            app_label = "orders"
            apps = type(apps)(())  # a separate registry, which no other test sees

        def __str__(self) -> str:
            return ""

    field = Diary._meta.get_field("order")
    field.related_model = field.remote_field.model = apps.get_model("orders", "Order")  # type: ignore[attr-defined]
    assert telling([Diary]) == {"orders.diary.text"}
    assert "orders.diary" in leading_to(Shopper, [*retailers_models(), Diary])
