"""Addresses of orders and pins, under /console/."""

from django.urls import path

from dispatch.console.orders import pages, pins, proofs

app_name = "orders"
urlpatterns = [
    path("orders/", pages.orders, name="list"),
    path("orders/new/", pages.new_order, name="new"),
    path("orders/<str:public_id>/", pages.order_page, name="order"),
    path("orders/<str:public_id>/access-code/", pages.access_code, name="access-code"),
    path("orders/<str:public_id>/custody/", proofs.custody_panel, name="custody"),
    path("orders/<str:public_id>/map.json", pages.order_map, name="map"),
    path("orders/<str:public_id>/proof/", proofs.proof_panel, name="proof"),
    path("orders/<str:public_id>/proof/<str:photo>/", proofs.proof_photo, name="proof-photo"),
    path("pins/", pins.pins, name="pins"),
    path("pins/<str:public_id>/", pins.pin, name="pin"),
    path("pins/<str:public_id>/map.json", pins.pin_map, name="pin-map"),
]
