"""Texts of imports: how an order's hub was chosen, and the names of changed fields."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

HUB_WAYS = {
    "given": gettext_lazy("given in the file or the form"),
    "zone": gettext_lazy("by zone"),
    "nearest": gettext_lazy("the nearest"),
    "only": gettext_lazy("the only hub"),
}

FIELDS = {
    "name": gettext_lazy("name"),
    "phone": gettext_lazy("phone"),
    "email": gettext_lazy("e-mail"),
    "language": gettext_lazy("language"),
    "text": gettext_lazy("address"),
    "street": gettext_lazy("street"),
    "house_number": gettext_lazy("house number"),
    "unit": gettext_lazy("flat or unit"),
    "postcode": gettext_lazy("postcode"),
    "city": gettext_lazy("city"),
    "lat": gettext_lazy("latitude"),
    "lon": gettext_lazy("longitude"),
    "service_date": gettext_lazy("date"),
    "window": gettext_lazy("time window"),
    "service_s": gettext_lazy("time at the door"),
    "parcel_count": gettext_lazy("number of parcels"),
    "parcels": gettext_lazy("parcels"),
    "weight_g": gettext_lazy("weight"),
    "volume_cm3": gettext_lazy("volume"),
    "skills": gettext_lazy("skills"),
    "hub": gettext_lazy("hub"),
    "direction": gettext_lazy("type"),
    "least_age": gettext_lazy("minimum age"),
    "signature": gettext_lazy("signature"),
    "notes": gettext_lazy("notes"),
}
