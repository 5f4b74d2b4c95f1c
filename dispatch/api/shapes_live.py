"""API shapes of incidents and of devices, the phones of drivers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dispatch.live.models import Device, Incident
from dispatch.live.services.incidents import LONGEST_HOW
from dispatch.live.states import IncidentKind, IncidentState
from lastmile.core.http.fields import InstantField, ModelOut, text
from lastmile.core.openapi import example


def _ref(source: str, help_text: str) -> serializers.CharField:
    return serializers.CharField(
        source=f"{source}.public_id", default=None, read_only=True, help_text=help_text
    )


@example(how="The shopper keeps it and pays.")
class SettleIn(serializers.Serializer[Any]):
    """The word of what was done about an incident."""

    how = text(LONGEST_HOW, help_text="What was done, in a word or a sentence.")


class IncidentOut(ModelOut[Incident]):
    """Something that did not go as planned, until somebody settles it."""

    id = serializers.CharField(source="public_id", read_only=True)
    hub = serializers.CharField(source="hub.public_id", read_only=True)
    kind = serializers.CharField(
        read_only=True,
        help_text=f"New kinds may be added. Today: {', '.join(f'`{k}`' for k in IncidentKind)}.",
    )
    order = _ref("order", "The order that it is about, if any.")
    shift = _ref("shift", "The shift on which it happened, if any.")
    driver = _ref("driver", "The driver who reported it, if any.")
    device = _ref("device", "The phone that reported it, if any.")
    act = _ref("act", "The act of the driver that opened it, if any.")
    happened_at = InstantField(
        source="act.happened_at", default=None, read_only=True,
        help_text="True time of the driver's act, if there is one.",
    )  # fmt: skip
    opened_at = InstantField(read_only=True)
    due_at = InstantField(
        read_only=True, allow_null=True, help_text="When it matters, if that was still to come."
    )
    state = serializers.ChoiceField(choices=[s.value for s in IncidentState], read_only=True)
    settled_at = InstantField(read_only=True, allow_null=True)
    settled_by = serializers.CharField(
        read_only=True, help_text="Id of the member or key that settled it; empty while it is open."
    )
    settled_how = serializers.CharField(read_only=True)
    params = serializers.DictField(
        read_only=True, help_text="Further ids, numbers and words of lists about this kind."
    )

    class Meta:
        model = Incident
        fields = (
            "id", "hub", "kind", "order", "shift", "driver", "device", "act", "happened_at",
            "opened_at", "due_at", "state", "settled_at", "settled_by", "settled_how", "params",
            "version",
        )  # fmt: skip
        read_only_fields = fields


class DeviceOut(ModelOut[Device]):
    """The phone of a driver that was logged in. Its key is never shown."""

    id = serializers.CharField(source="public_id", read_only=True)
    driver = serializers.CharField(source="driver.public_id", read_only=True)
    hub = serializers.CharField(source="driver.hub.public_id", read_only=True)
    name = serializers.CharField(read_only=True, help_text="Kind of phone and browser.")
    state = serializers.SerializerMethodField(help_text="`active`, `expired` or `revoked`.")
    app_version = serializers.CharField(
        read_only=True, help_text="Version of the app that the phone runs; empty if not known."
    )
    installed = serializers.BooleanField(
        read_only=True, allow_null=True, help_text="Whether the app is installed; null: not known."
    )
    storage_kept = serializers.BooleanField(
        read_only=True,
        allow_null=True,
        help_text="False: the browser may delete acts that were not sent. Null: not known.",
    )
    made_at = InstantField(read_only=True)
    last_used_at = InstantField(read_only=True)
    expires_at = InstantField(read_only=True, help_text="30 days after the last use.")
    revoked_at = InstantField(read_only=True, allow_null=True)
    refused_at = InstantField(
        read_only=True, allow_null=True, help_text="When something from the phone was refused last."
    )
    refused_code = serializers.CharField(read_only=True)

    class Meta:
        model = Device
        fields = (
            "id", "driver", "hub", "name", "state", "app_version", "installed", "storage_kept",
            "made_at", "last_used_at", "expires_at", "revoked_at", "refused_at", "refused_code",
        )  # fmt: skip
        read_only_fields = fields

    def get_state(self, row: Device) -> str:
        """Return active, expired or revoked."""
        if row.revoked_at is not None:
            return "revoked"
        return "expired" if row.has_expired else "active"
