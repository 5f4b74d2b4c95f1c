"""Finds the account of a network, and makes the adapter of an account.

A new network needs a line in each table here, and one in CALLBACKS of the switchboard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from django.utils.module_loading import import_string

from lastmile.core.tenancy import current_schema
from lockers.models import LockerAccount
from lockers.vendors.base import BoxSize, LockerVendor, VendorStatus
from lockers.vendors.null import NullVendor
from tenants.selectors import is_trial

#: Name of a network -> class with ``for_account(facts, secrets) -> LockerVendor``.
ADAPTERS: Final[Mapping[str, str]] = {
    "inpost": "lockers.vendors.inpost.adapter.InPost",
}
#: Name of a network -> function that returns the meaning of a word: (id, word, tracking=).
MEANINGS: Final[Mapping[str, str]] = {
    "inpost": "lockers.vendors.inpost.reading.status_of",
}
#: Name of a network -> its sizes.
SIZES: Final[Mapping[str, str]] = {
    "inpost": "lockers.vendors.inpost.words.SIZES",
}


def account_of(vendor: str) -> LockerAccount | None:
    """Return the retailer's account at a network; None if there is none or it is off."""
    return LockerAccount.objects.filter(vendor=vendor, is_on=True).first()


def vendor_of(account: LockerAccount) -> LockerVendor:
    """Return the adapter of an account. A demo or sandbox always gets the Null vendor.

    Raises KeyError for a network that was removed, ValueError for facts that its adapter refuses.
    """
    if is_trial(current_schema()):
        return NullVendor()
    adapter = import_string(ADAPTERS[account.vendor])
    return cast("LockerVendor", adapter.for_account(account.facts, account.secrets))


def sizes_of(vendor: str) -> Sequence[BoxSize]:
    """Return the sizes of a network. Raises KeyError for one that was removed."""
    return cast("Sequence[BoxSize]", import_string(SIZES[vendor]))


def is_switched_off(network: str) -> bool:
    """Return True if the retailer's account at a network is off. Without an account: False."""
    return LockerAccount.objects.filter(vendor=network.casefold(), is_on=False).exists()


def meaning_of(vendor: str, vendor_id: str, word: str, tracking: str) -> VendorStatus:
    """Return the meaning of a network's word for a reservation."""
    return cast("VendorStatus", import_string(MEANINGS[vendor])(vendor_id, word, tracking=tracking))
