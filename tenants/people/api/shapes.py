"""What goes in and out of the people API. Fields are named one by one: nothing else gets in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lastmile.core.http.fields import InstantField, ModelOut
from lastmile.core.jobs import job_out
from lastmile.core.openapi import example
from tenants.people.models import ApiKey, AuditEntry, Member
from tenants.permissions import KeyRole, Principal, Role, may
from tenants.roles import Act

MEMBER_ROLES = [role.value for role in Role]
KEY_ROLES = [role.value for role in KeyRole]
OPERATION_STATES = ["queued", "running", "succeeded", "failed", "cancelled"]
_HUBS = "Public ids of the hubs it is limited to; null means all."


def _hubs(**kwargs: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=40),
        allow_null=True,
        required=False,
        max_length=500,
        help_text=_HUBS,
        **kwargs,
    )


class MemberOut(ModelOut[Member]):
    """A member."""

    id = serializers.CharField(source="public_id", read_only=True)
    hubs = _hubs(read_only=False)

    class Meta:
        model = Member
        fields = (
            "id", "email", "name", "role", "hubs", "language", "active", "last_login_at",
            "created_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(email="ana@example.com", name="Ana Rojas", role="dispatcher", language="es")
class AddMemberIn(serializers.Serializer[Any]):
    """Somebody to let in; they set their password through the link in the answer."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=MEMBER_ROLES)
    hubs = _hubs(default=None)
    language = serializers.CharField(max_length=16, required=False, default="", allow_blank=True)


@example(role="manager")
class ChangeMemberIn(serializers.Serializer[Any]):
    """What to change; the rest stays."""

    name = serializers.CharField(max_length=120, required=False)
    role = serializers.ChoiceField(choices=MEMBER_ROLES, required=False)
    hubs = _hubs()
    language = serializers.CharField(max_length=16, required=False, allow_blank=True)
    active = serializers.BooleanField(required=False)


class InvitedMemberOut(MemberOut):
    """A new member and, once, the link by which they set a password."""

    set_password_url = serializers.CharField(allow_null=True, read_only=True)

    class Meta(MemberOut.Meta):
        fields = (*MemberOut.Meta.fields, "set_password_url")  # type: ignore[assignment]


class LinkOut(serializers.Serializer[Any]):
    """A set-password link, shown once."""

    set_password_url = serializers.CharField(allow_null=True)
    expires_in_s = serializers.IntegerField()


class ApiKeyOut(ModelOut[ApiKey]):
    """A key without its secret; ``hint`` is the secret's last four characters."""

    id = serializers.CharField(source="public_id", read_only=True)
    hubs = _hubs(read_only=False)
    origins = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiKey
        fields = (
            "id", "name", "role", "hubs", "ref", "origins", "hint", "created_by", "created_at",
            "expires_at", "revoked_at", "last_used_at", "version",
        )  # fmt: skip
        read_only_fields = fields


@example(name="Web shop", role="integration")
class CreateKeyIn(serializers.Serializer[Any]):
    """A key to make."""

    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=KEY_ROLES)
    hubs = _hubs(default=None)
    ref = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    origins = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, default=list, max_length=50
    )
    expires_at = InstantField(required=False, default=None, allow_null=True)


class NewKeyOut(ApiKeyOut):
    """A key with its secret: in the first answer only."""

    secret = serializers.CharField(allow_null=True)

    class Meta(ApiKeyOut.Meta):
        fields = (*ApiKeyOut.Meta.fields, "secret")  # type: ignore[assignment]


class ChangeOut(serializers.Serializer[Any]):
    """One changed field."""

    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditEntryOut(ModelOut[AuditEntry]):
    """Who changed what."""

    id = serializers.CharField(source="public_id", read_only=True)
    changes = serializers.DictField(child=ChangeOut())

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "act", "subject", "changes")
        read_only_fields = fields


class MeOut(serializers.Serializer[Principal]):
    """Who I am and what I may."""

    id = serializers.CharField(source="public_id")
    kind = serializers.ChoiceField(choices=["member", "key"])
    name = serializers.CharField()
    role = serializers.CharField()
    hubs = serializers.SerializerMethodField(help_text=_HUBS)
    acts = serializers.SerializerMethodField(help_text="Everything the table grants it.")

    def get_hubs(self, me: Principal) -> list[str] | None:
        """Return the hubs in order."""
        return None if me.hubs is None else sorted(me.hubs)

    def get_acts(self, me: Principal) -> list[str]:
        """Return the acts in order."""
        return [act.value for act in Act if may(me, act)]


class TicketOut(serializers.Serializer[Any]):
    """A one-use websocket ticket: send it as ``?ticket=`` within its minute."""

    ticket = serializers.CharField(allow_null=True)
    expires_at = InstantField()


class ProgressOut(serializers.Serializer[Any]):
    """How far."""

    percent = serializers.IntegerField(min_value=0, max_value=100)
    note = serializers.CharField(allow_blank=True)


class OperationOut(serializers.Serializer[Any]):
    """Long work: it ends exactly once, as succeeded, failed or cancelled."""

    id = serializers.CharField()
    kind = serializers.CharField()
    subject = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=OPERATION_STATES)
    reason = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    progress = ProgressOut()
    attempt = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    result = serializers.JSONField(allow_null=True)
    created_at = serializers.CharField()
    started_at = serializers.CharField(allow_null=True)
    finished_at = serializers.CharField(allow_null=True)

    def to_representation(self, instance: Any) -> Any:
        """Core writes the shape (``job_out``); this class declares it."""
        return job_out(instance)


class EventOut(serializers.Serializer[Any]):
    """Something that became true. ``position`` counts without gaps: keep the last one you saw."""

    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    subject = serializers.CharField()
    actor = serializers.CharField()
    occurred_at = InstantField()
    position = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Version of the shape of `data`.")
    data = serializers.DictField()  # type: ignore[assignment]


class EventFeedOut(serializers.Serializer[Any]):
    """A part of the journal and where to go on; ``next`` is null at its end, ``position`` never."""

    items = EventOut(many=True)
    next = serializers.CharField(allow_null=True)
    position = serializers.IntegerField()
