"""``manage.py driver_login --schema t_acme --driver "Ana Salinas"``: log a driver's phone in."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.urls import reverse

from dispatch.fleet.models import Driver
from dispatch.live.services import make_login_link
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context
from tenants.links import absolute


class Command(OperatorCommand):
    """Make a log-in link for a driver's phone, as the dispatcher's page does."""

    help = (
        "Make a link and a code that log one phone of a driver in to the driver's app. Both work "
        "once, for 15 minutes. An earlier link of the driver that was not used ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--driver``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--driver", required=True, help="id, external id or name of an active driver"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Make the link."""
        with retailer_context(options["schema"]):
            driver = _driver(options["driver"])
            new = make_login_link(driver=driver)
            path = reverse("driver:login-link", args=[new.secret])
            return {
                "driver": driver.public_id,
                "url": absolute(path),
                "code": new.code,
                "expires_at": new.link.expires_at.isoformat(),
            }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the link and the code."""
        return (
            f"Open this link on the phone: {result['url']}\n"
            f"Or type the code {result['code']} at /driver/login/ there. "
            f"Both work once, until {result['expires_at']}."
        )


def _driver(key: str) -> Driver:
    named = Q(public_id=key) | Q(external_id=key) | Q(name__iexact=key)
    rows = list(Driver.objects.filter(named, active=True).order_by("name", "pk")[:2])
    if not rows:
        active = Driver.objects.filter(active=True).order_by("name")
        known = ", ".join(active.values_list("name", flat=True)[:20]) or "none yet"
        raise CommandError(f"There is no active driver {key!r}. Choose from: {known}.")
    if len(rows) > 1:
        raise CommandError(
            f"Several drivers are called {key!r}. Give the id of one: "
            f"{rows[0].public_id}, {rows[1].public_id}."
        )
    return rows[0]
