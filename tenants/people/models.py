"""Members, sessions, sign-in attempts, API keys, tickets, settings and the audit log."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from lastmile.core.bases import PublicIdField, Timestamped
from lastmile.core.clock import now, real_now
from tenants.roles import KeyRole, Role


def _hubs() -> Any:
    """Return a field for the public ids of hubs that a member or key is limited to; null: all."""
    return models.JSONField(null=True, blank=True)


class Member(Timestamped):
    """A member of the retailer's staff. Never deleted, because the audit log refers to members."""

    public_id = PublicIdField("mbr")
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16)
    hubs = _hubs()
    language = models.CharField(max_length=16, default="", blank=True)
    password = models.CharField(max_length=256, default="", blank=True)
    active = models.BooleanField(default=True)
    session_epoch = models.PositiveIntegerField(default=1)
    last_login_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="member_email_unique"),
            models.CheckConstraint(
                name="member_role_known", condition=Q(role__in=[r.value for r in Role])
            ),
            models.CheckConstraint(
                name="member_owner_all_hubs", condition=~Q(role=Role.OWNER) | Q(hubs__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class FirstOwner(models.Model):
    """The first owner of a retailer that is being opened; deleted when the member exists there.

    Only used in the operator's own schema, because the retailer's tables do not exist yet.
    """

    retailer = models.CharField(max_length=40, unique=True, help_text="public id")
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"first owner of {self.retailer}"


class Session(AbstractBaseSession):
    """A session of a member. Its data has schema, member and epoch, checked at every request."""

    member = models.ForeignKey(Member, null=True, on_delete=models.CASCADE, related_name="+")
    objects = BaseSessionManager()  # type: ignore[misc]

    def __str__(self) -> str:
        return f"session of {self.member_id}"

    @classmethod
    def get_session_store_class(cls) -> Any:
        """Raise an error: Django asks for the store here, but the store imports this module."""
        raise NotImplementedError("Use tenants.people.sessions.SessionStore.")


class LoginAttempt(models.Model):
    """The number of sign-in attempts of an account or an address within a period of time.

    Attempts are counted before the password is checked.
    """

    scope = models.CharField(max_length=8)
    subject_hash = models.CharField(max_length=64)
    tries = models.PositiveIntegerField()
    window_ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="login_attempt_once", fields=["scope", "subject_hash"]),
            models.CheckConstraint(
                name="login_attempt_scope_known", condition=Q(scope__in=["account", "address"])
            ),
        ]
        indexes = [models.Index(name="login_attempt_window", fields=["window_ends_at"])]

    def __str__(self) -> str:
        return f"{self.tries} tries by {self.scope}"


class ApiKey(Timestamped):
    """An API key of a connected system. Only the hash is stored, so the secret is shown once."""

    public_id = PublicIdField("key")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=16)
    hubs = _hubs()
    ref = models.CharField(max_length=80, default="", blank=True)
    origins = models.JSONField(default=list, blank=True)
    secret_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8)
    created_by = models.CharField(max_length=80)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="api_key_role_known", condition=Q(role__in=[r.value for r in KeyRole])
            ),
        ]
        indexes = [
            GinIndex(
                name="api_key_origins",
                fields=["origins"],
                opclasses=["jsonb_path_ops"],
                condition=Q(revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def alive(self) -> bool:
        """True while the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > real_now())


class PolicySection(Timestamped):
    """The stored settings of one section of the policy. Without a row, the defaults apply."""

    section = models.CharField(max_length=40, unique=True, help_text="name in the switchboard")
    values = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.section} {self.version}"


class SocketTicket(models.Model):
    """A ticket that opens one websocket within a minute. Its use deletes it."""

    secret_hash = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=20, help_text="name of the credential it was made with")
    principal_id = models.CharField(max_length=40)
    session_key = models.CharField(max_length=40, default="", blank=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"ticket of {self.principal_id}"


class AuditEntry(models.Model):
    """An entry of the audit log, written in the transaction of the change and never edited."""

    public_id = PublicIdField("aud")
    at = models.DateTimeField(default=now)
    actor = models.CharField(max_length=80)
    act = models.CharField(max_length=80)
    subject = models.CharField(max_length=80)
    changes = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(name="audit_newest", fields=["-at", "-public_id"]),
            models.Index(name="audit_subject", fields=["subject", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.subject}"


class BrandImage(models.Model):
    """An image of the retailer's brand, served from the retailer's own host.

    Shoppers' pages load nothing from other hosts. ``digest`` is the SHA-256 of the content.
    """

    digest = models.CharField(max_length=64, unique=True)
    media_type = models.CharField(max_length=32)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.digest
