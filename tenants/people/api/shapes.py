"""The shapes of requests and answers of the people API. Each field is named explicitly."""

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
_HUBS = "Public ids of the hubs that access is limited to; null means all hubs."


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
    """The values of a new member, who sets a password with the link in the answer."""

    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=MEMBER_ROLES)
    hubs = _hubs(default=None)
    language = serializers.CharField(max_length=16, required=False, default="", allow_blank=True)


@example(role="manager")
class ChangeMemberIn(serializers.Serializer[Any]):
    """The fields of a member to change; other fields keep their values."""

    name = serializers.CharField(max_length=120, required=False)
    role = serializers.ChoiceField(choices=MEMBER_ROLES, required=False)
    hubs = _hubs()
    language = serializers.CharField(max_length=16, required=False, allow_blank=True)
    active = serializers.BooleanField(required=False)


class InvitedMemberOut(MemberOut):
    """A new member and the link to set a password, which only this answer contains."""

    set_password_url = serializers.CharField(allow_null=True, read_only=True)

    class Meta(MemberOut.Meta):
        fields = (*MemberOut.Meta.fields, "set_password_url")  # type: ignore[assignment]


class LinkOut(serializers.Serializer[Any]):
    """A link to set a password; only this answer contains it."""

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
    """The values of a new API key."""

    name = serializers.CharField(max_length=120)
    role = serializers.ChoiceField(choices=KEY_ROLES)
    hubs = _hubs(default=None)
    ref = serializers.CharField(max_length=80, required=False, default="", allow_blank=True)
    origins = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, default=list, max_length=50
    )
    expires_at = InstantField(required=False, default=None, allow_null=True)


class NewKeyOut(ApiKeyOut):
    """A key with its secret, which only this answer contains."""

    secret = serializers.CharField(allow_null=True)

    class Meta(ApiKeyOut.Meta):
        fields = (*ApiKeyOut.Meta.fields, "secret")  # type: ignore[assignment]


class ChangeOut(serializers.Serializer[Any]):
    """The old and new value of one changed field."""

    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditEntryOut(ModelOut[AuditEntry]):
    """An entry of the audit log: who changed what."""

    id = serializers.CharField(source="public_id", read_only=True)
    changes = serializers.DictField(child=ChangeOut())

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "act", "subject", "changes")
        read_only_fields = fields


class MeOut(serializers.Serializer[Principal]):
    """The caller and the acts that the caller is allowed to do."""

    id = serializers.CharField(source="public_id")
    kind = serializers.ChoiceField(choices=["member", "key"])
    name = serializers.CharField()
    role = serializers.CharField()
    hubs = serializers.SerializerMethodField(help_text=_HUBS)
    acts = serializers.SerializerMethodField(help_text="All acts that the caller is allowed to do.")

    def get_hubs(self, me: Principal) -> list[str] | None:
        """Return the hubs, sorted; None means all."""
        return None if me.hubs is None else sorted(me.hubs)

    def get_acts(self, me: Principal) -> list[str]:
        """Return the allowed acts in the order of the table."""
        return [act.value for act in Act if may(me, act)]


class TicketOut(serializers.Serializer[Any]):
    """A websocket ticket for one use: send it as ``?ticket=`` within a minute."""

    ticket = serializers.CharField(allow_null=True)
    expires_at = InstantField()


class ProgressOut(serializers.Serializer[Any]):
    """The progress of an operation."""

    percent = serializers.IntegerField(min_value=0, max_value=100)
    note = serializers.CharField(allow_blank=True)


class OperationOut(serializers.Serializer[Any]):
    """An operation: long work that ends exactly once, as succeeded, failed or cancelled."""

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
        """Return the shape from ``job_out`` of core; this class only declares it."""
        return job_out(instance)


class EventOut(serializers.Serializer[Any]):
    """An event. ``position`` counts without gaps; store the last one you received."""

    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    subject = serializers.CharField()
    actor = serializers.CharField()
    occurred_at = InstantField()
    position = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Version of the shape of `data`.")
    data = serializers.DictField()  # type: ignore[assignment]


class EventFeedOut(serializers.Serializer[Any]):
    """A part of the journal. ``next`` is null at its end; ``position`` is never null."""

    items = EventOut(many=True)
    next = serializers.CharField(allow_null=True)
    position = serializers.IntegerField()
