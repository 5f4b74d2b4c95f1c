"""The tables of proof: what was given at a door, and the photos of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from dispatch.live.models.acts import DriverAct
from dispatch.live.models.runs import Run
from dispatch.live.proof import ProofKind
from dispatch.live.states import PhotoState
from dispatch.orders.models import Order
from lastmile.core.bases import PublicIdField
from lastmile.core.clock import now
from lastmile.core.fields import EncryptedField


class Photo(models.Model):
    """A photo or a signature, named by the hash of the bytes that the phone holds.

    ``content`` has the bytes received so far, until they are re-encoded into the file
    ``kept_name``; then the original is deleted and both hashes stay. The measures are of the file.
    """

    public_id = PublicIdField("pho")
    sha256 = models.CharField(max_length=64, unique=True)
    size_bytes = models.PositiveIntegerField()
    received_bytes = models.PositiveIntegerField(default=0)
    content = models.BinaryField(null=True)
    state = models.CharField(max_length=10, default=PhotoState.EXPECTED)
    refused_code = models.CharField(max_length=24, default="", blank=True)
    kept_name = models.CharField(max_length=160, default="", blank=True)
    kept_sha256 = models.CharField(max_length=64, default="", blank=True)
    kept_bytes = models.PositiveIntegerField(default=0)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    fingerprint = models.CharField(max_length=128, default="", blank=True)
    made_at = models.DateTimeField(default=now)
    received_at = models.DateTimeField(null=True)
    kept_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-made_at", "-id")
        indexes = (models.Index(name="photo_by_age", fields=["state", "made_at"]),)
        constraints = (
            models.CheckConstraint(
                name="photo_state", condition=Q(state__in=[s.value for s in PhotoState])
            ),
            models.CheckConstraint(
                name="photo_size",
                condition=Q(size_bytes__gte=1, received_bytes__lte=F("size_bytes")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"


class Proof(models.Model):
    """A proof that a driver gave with an act at a door.

    ``how`` says how a name was given or how a check ended. The PIN is compared and not kept.
    ``flags`` are doubts. ``number`` is the place in the act.
    """

    public_id = PublicIdField("prf")
    act = models.ForeignKey(DriverAct, on_delete=models.CASCADE, related_name="proofs")
    number = models.PositiveSmallIntegerField()
    order = models.ForeignKey(Order, null=True, on_delete=models.CASCADE, related_name="proofs")
    run = models.ForeignKey(Run, null=True, on_delete=models.SET_NULL, related_name="proofs")
    kind = models.CharField(max_length=12)
    photo = models.ForeignKey(Photo, null=True, on_delete=models.PROTECT, related_name="proofs")
    how = models.CharField(max_length=12, default="", blank=True)
    name = EncryptedField(null=True)
    parcels = models.JSONField(default=list)
    flags = models.JSONField(default=list)
    happened_at = models.DateTimeField()

    class Meta:
        ordering = ("happened_at", "id")
        indexes = (models.Index(name="proof_of_order", fields=["order", "happened_at"]),)
        constraints = (
            models.UniqueConstraint(name="proof_once", fields=["act", "number"]),
            models.CheckConstraint(
                name="proof_kind", condition=Q(kind__in=[k.value for k in ProofKind])
            ),
            models.CheckConstraint(
                name="proof_picture",
                condition=Q(kind__in=["photo", "signature"], photo__isnull=False)
                | (~Q(kind__in=["photo", "signature"]) & Q(photo__isnull=True)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.kind}"
