"""The audit log's words for orders and shoppers."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy

from dispatch.orders.models import Order
from lastmile.core.ids import looks_like
from tenants.audit_words import AuditWords, Field, Names, Sentence


def names(ids: Iterable[str]) -> Names:
    """Return the numbers of orders: one query."""
    orders = [public_id for public_id in ids if looks_like(public_id, "ord")]
    if not orders:
        return {}
    rows = Order.objects.filter(public_id__in=orders, external_id__isnull=False)
    return {
        public_id: str(number) for public_id, number in rows.values_list("public_id", "external_id")
    }


def words() -> AuditWords:
    """Return the words of the audit log for orders and shoppers."""
    return AuditWords(
        sentences={
            "shopper.erased": Sentence(
                gettext_lazy("%(who)s erased the personal data of a shopper")
            ),
            "access.reveal": Sentence(
                gettext_lazy("%(who)s looked at the access code of the order %(what)s")
            ),
            "order.link_renewed": Sentence(
                gettext_lazy("%(who)s made a new shopper's link for %(what)s")
            ),
            "order.link_ended": Sentence(
                gettext_lazy("%(who)s ended the shopper's link of %(what)s")
            ),
        },
        fields={"shopper": {"orders": Field(gettext_lazy("Orders"))}},
        names=names,
    )
