"""The audit log's words for orders and shoppers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from tenants.audit_words import AuditWords, Field, Sentence


def words() -> AuditWords:
    """Return the words of the audit log for orders and shoppers."""
    return AuditWords(
        sentences={
            "shopper.erased": Sentence(
                gettext_lazy("%(who)s erased the personal data of a shopper")
            ),
        },
        fields={"shopper": {"orders": Field(gettext_lazy("Orders"))}},
    )
