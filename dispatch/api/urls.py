"""Addresses of orders, fleet, imports and plans, under /api/v1/."""

from django.urls import path

from dispatch.api import fleet, imports, orders, plans

urlpatterns = [
    path("hubs/", fleet.HubsView.as_view(), name="hubs"),
    path("hubs/<str:ref>/", fleet.HubView.as_view(), name="hub"),
    path("zones/", fleet.ZonesView.as_view(), name="zones"),
    path("zones/<str:ref>/", fleet.ZoneView.as_view(), name="zone"),
    path("vehicles/", fleet.VehiclesView.as_view(), name="vehicles"),
    path("vehicles/<str:ref>/", fleet.VehicleView.as_view(), name="vehicle"),
    path("drivers/", fleet.DriversView.as_view(), name="drivers"),
    path("drivers/<str:ref>/", fleet.DriverView.as_view(), name="driver"),
    path("shifts/", fleet.ShiftsView.as_view(), name="shifts"),
    path("shifts/<str:ref>/", fleet.ShiftView.as_view(), name="shift"),
    path("emissions/factors/", fleet.FactorsView.as_view(), name="emission-factors"),
    path("orders/", orders.OrdersView.as_view(), name="orders"),
    path("orders/<str:ref>/", orders.OrderView.as_view(), name="order"),
    path("orders/<str:ref>/cancel/", orders.CancelOrderView.as_view(), name="order-cancel"),
    path("orders/<str:ref>/pin/", orders.PinOrderView.as_view(), name="order-pin"),
    path("orders/<str:ref>/promises/", orders.PromiseOrderView.as_view(), name="order-promise"),
    path("orders/<str:ref>/try-again/", orders.TryOrderAgainView.as_view(), name="order-again"),
    path("orders/<str:ref>/return/", orders.ReturnOrderView.as_view(), name="order-return"),
    path("orders/<str:ref>/timeline/", orders.OrderTimelineView.as_view(), name="timeline"),
    path("parcels/", orders.ParcelsView.as_view(), name="parcels"),
    path("parcels/<str:ref>/", orders.ParcelView.as_view(), name="parcel"),
    path("order-imports/", imports.OrderImportsView.as_view(), name="imports"),
    path("order-imports/<str:public_id>/", imports.OrderImportView.as_view(), name="import"),
    path(
        "order-imports/<str:public_id>/refused/",
        imports.RefusedRowsView.as_view(),
        name="import-refused",
    ),
    path(
        "order-imports/<str:public_id>/refused.csv",
        imports.RefusedFileView.as_view(),
        name="import-refused-file",
    ),
    path("plans/", plans.PlansView.as_view(), name="plans"),
    path("plans/<str:public_id>/", plans.PlanView.as_view(), name="plan"),
    path("plans/<str:public_id>/publish/", plans.PublishPlanView.as_view(), name="publish"),
    path("plans/<str:public_id>/discard/", plans.DiscardPlanView.as_view(), name="discard"),
    path("plans/<str:public_id>/revise/", plans.RevisePlanView.as_view(), name="revise"),
    path("plans/<str:public_id>/changes/", plans.PlanChangesView.as_view(), name="plan-changes"),
    path(
        "plans/<str:public_id>/redispatch/",
        plans.RedispatchPlanView.as_view(),
        name="redispatch",
    ),
    path("plans/<str:public_id>/waves/", plans.PickingWavesView.as_view(), name="plan-waves"),
    path("plans/<str:public_id>/edits/", plans.PlanEditsView.as_view(), name="plan-edits"),
    path(
        "plans/<str:public_id>/options/<str:order>/",
        plans.PlanOptionsView.as_view(),
        name="plan-options",
    ),
    path("plans/<str:public_id>/why/<str:order>/", plans.PlanWhyView.as_view(), name="plan-why"),
    path("routes/", plans.RoutesView.as_view(), name="routes"),
    path("routes/<str:public_id>/", plans.RouteView.as_view(), name="route"),
    path("stops/", plans.StopsView.as_view(), name="stops"),
]
