"""Addresses under /api/v1/ of orders and fleet."""

from django.urls import path

from dispatch.api import fleet, orders

urlpatterns = [
    path("hubs/", fleet.HubsView.as_view(), name="api-hubs"),
    path("hubs/<str:ref>/", fleet.HubView.as_view(), name="api-hub"),
    path("zones/", fleet.ZonesView.as_view(), name="api-zones"),
    path("zones/<str:ref>/", fleet.ZoneView.as_view(), name="api-zone"),
    path("vehicles/", fleet.VehiclesView.as_view(), name="api-vehicles"),
    path("vehicles/<str:ref>/", fleet.VehicleView.as_view(), name="api-vehicle"),
    path("drivers/", fleet.DriversView.as_view(), name="api-drivers"),
    path("drivers/<str:ref>/", fleet.DriverView.as_view(), name="api-driver"),
    path("shifts/", fleet.ShiftsView.as_view(), name="api-shifts"),
    path("shifts/<str:ref>/", fleet.ShiftView.as_view(), name="api-shift"),
    path("emissions/factors/", fleet.FactorsView.as_view(), name="api-emission-factors"),
    path("orders/", orders.OrdersView.as_view(), name="api-orders"),
    path("orders/<str:ref>/", orders.OrderView.as_view(), name="api-order"),
    path("orders/<str:ref>/cancel/", orders.CancelOrderView.as_view(), name="api-order-cancel"),
    path("orders/<str:ref>/pin/", orders.PinOrderView.as_view(), name="api-order-pin"),
    path("orders/<str:ref>/promises/", orders.PromiseOrderView.as_view(), name="api-order-promise"),
    path("orders/<str:ref>/try-again/", orders.TryOrderAgainView.as_view(), name="api-order-again"),
    path("orders/<str:ref>/return/", orders.ReturnOrderView.as_view(), name="api-order-return"),
    path("orders/<str:ref>/timeline/", orders.OrderTimelineView.as_view(), name="api-timeline"),
    path("parcels/", orders.ParcelsView.as_view(), name="api-parcels"),
    path("parcels/<str:ref>/", orders.ParcelView.as_view(), name="api-parcel"),
]
