"""The variables that templates of messages can use: a sentence, an example, the longest value.

``rendering.facts`` finds the value of each. A variable with ``choices`` is not for reading: a
template selects a text by it. A variable whose example is a number has plural forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from notifications.catalogue.kinds import Variable

_HOST: Final = "https://delivery.example.com"
_LONGEST_HOST: Final = "https://delivery.example-retailer.com"
_LONGEST_LINK: Final = f"{_LONGEST_HOST}{settings.SHOPPER_PATH}{'k' * 32}/"
_LONGEST_DAY: Final = "Wednesday, 30 September 2026"
_TIME: Final = "12:30 PM"

SHOP: Final = Variable(
    sentence=_("Name of your company."), example="Almacén Central", longest="N" * 60
)
FIRST_NAME: Final = Variable(
    sentence=_("First name of the shopper; empty if it is not known."),
    example="Ana",
    longest="N" * 30,
)
DAY: Final = Variable(
    sentence=_("Day of the delivery with its weekday."),
    example="Wednesday, 2 December",
    longest=_LONGEST_DAY,
)
WINDOW_FROM: Final = Variable(
    sentence=_("Time at which the agreed time window begins."), example="14:00", longest=_TIME
)
WINDOW_TO: Final = Variable(
    sentence=_("Time at which the agreed time window ends."), example="16:00", longest=_TIME
)
PLANNED_FROM: Final = Variable(
    sentence=_("Earliest planned time of arrival."), example="14:20", longest=_TIME
)
PLANNED_TO: Final = Variable(
    sentence=_("Latest planned time of arrival."), example="15:05", longest=_TIME
)
PLACE: Final = Variable(
    sentence=_("Place where the shopper gets the goods: street and town, or your pickup point."),
    example="Calle Mayor 12, Madrid",
    longest="P" * 80,
)
COLLECT_BY: Final = Variable(
    sentence=_("Day and time until which the parcel waits in its locker."),
    example="Thu, 3 Dec, 18:00",
    longest="Wednesday, 30 September 2026, 12:30 PM",
)
REASON: Final = Variable(
    sentence=_("Why it did not work, as a part of a sentence."),
    example="nobody was at home",
    longest="what we needed to see was missing",
)
PRICE: Final = Variable(
    sentence=_("Price of the delivery; empty if it has none."),
    example="€3.90",
    longest="CLP 1,234,567.00",
)
LINK: Final = Variable(
    sentence=_("Secret link to the shopper's page. The shopper can follow and change the order."),
    example=f"{_HOST}{settings.SHOPPER_PATH}{'k7f3' * 8}/",
    longest=_LONGEST_LINK,
)
NEEDED_LINK: Final = Variable(
    sentence=LINK.sentence, example=LINK.example, longest=LINK.longest, needed=True
)
PAGE: Final = Variable(
    sentence=_("Link to the page of the console that shows it."),
    example=_HOST,
    longest=f"{_LONGEST_HOST}/{'p' * 70}",
)
OPT_OUT_LINK: Final = Variable(
    sentence=_("Link to the page on which the reader ends these messages."),
    example=f"{_HOST}{settings.OPT_OUT_PATH}{'k7f3' * 8}/",
    longest=_LONGEST_LINK,
)
CODE: Final = Variable(
    sentence=_("Six-digit code."), example="428 317", longest="428 317", needed=True
)
MINUTES: Final = Variable(
    sentence=_("Minutes for which the code is valid."), example=10, longest=60
)
ORDERS: Final = Variable(sentence=_("Number of orders."), example=1234, longest=1_000_000)
REFUSED: Final = Variable(
    sentence=_("Number of orders that were refused."), example=3, longest=1_000_000
)
STOPS_BEFORE: Final = Variable(
    sentence=_("Stops of the driver before the shopper's stop."), example=2, longest=100
)
LATE_MINUTES: Final = Variable(
    sentence=_("Minutes after the end of the agreed time window."), example=20, longest=600
)
PERCENT: Final = Variable(
    sentence=_("Share of the budget that is used, in per cent."), example=80, longest=100
)
HUB: Final = Variable(sentence=_("Name of the hub."), example="Centro Norte", longest="H" * 60)
NUMBER: Final = Variable(
    sentence=_("Number of the order in your system; empty if it has none."),
    example="A-10482",
    longest="N" * 64,
)
CHANNEL: Final = Variable(
    sentence=_("Channel: SMS, WhatsApp, e-mail or web push."), example="SMS", longest="WhatsApp"
)
SCOPE: Final = Variable(
    sentence=_("Select the text by the budget."),
    example="retailer",
    longest="retailer",
    choices=("retailer", "number", "order", "dial"),
)
RESULT: Final = Variable(
    sentence=_("Select the text by the result: done or failed."),
    example="done",
    longest="failed",
    choices=("done", "failed"),
)
WAY: Final = Variable(
    sentence=_("Select the text by the way: delivery, collect (pickup), locker or return."),
    example="delivery",
    longest="delivery",
    choices=("delivery", "collect", "locker", "return"),
)
STATUS: Final = Variable(
    sentence=_("Select the text by the status: promised, or requested (not confirmed yet)."),
    example="promised",
    longest="requested",
    choices=("promised", "requested"),
)
TIMES: Final = Variable(
    sentence=_("Select the text by the known times: planned, window or none."),
    example="window",
    longest="planned",
    choices=("planned", "window", "none"),
)
CAUSE: Final = Variable(
    sentence=_("Select the text by who did it: shopper or shop."),
    example="shop",
    longest="shopper",
    choices=("shopper", "shop"),
)

#: Variables that every message to a shopper can use.
FOR_SHOPPERS: Final[Mapping[str, Variable]] = {
    "shop": SHOP,
    "first_name": FIRST_NAME,
    "number": NUMBER,
    "link": LINK,
    "opt_out_link": OPT_OUT_LINK,
    "way": WAY,
}
#: The agreed day and window, and the place.
AGREED: Final[Mapping[str, Variable]] = {
    "day": DAY,
    "window_from": WINDOW_FROM,
    "window_to": WINDOW_TO,
    "place": PLACE,
    "price": PRICE,
    "status": STATUS,
}
#: The planned arrival.
PLANNED: Final[Mapping[str, Variable]] = {
    "planned_from": PLANNED_FROM,
    "planned_to": PLANNED_TO,
    "times": TIMES,
}
#: Variables that every message to staff can use.
FOR_STAFF: Final[Mapping[str, Variable]] = {"shop": SHOP, "page": PAGE}
