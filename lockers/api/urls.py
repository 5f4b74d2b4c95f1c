"""Addresses of lockers under /api/v1/: the REST resources, and what cabinets call."""

from django.urls import path

from lockers.api import banks, reports, reservations
from lockers.device_api import views as device

urlpatterns = [
    path("locker-banks/", banks.LockerBanksView.as_view(), name="locker-banks"),
    path("locker-banks/<str:ref>/", banks.LockerBankView.as_view(), name="locker-bank"),
    path(
        "locker-banks/<str:ref>/availability/",
        banks.AvailabilityView.as_view(),
        name="locker-availability",
    ),
    path(
        "locker-banks/<str:ref>/compartments/",
        banks.BankCompartmentsView.as_view(),
        name="locker-bank-compartments",
    ),
    path(
        "locker-banks/<str:ref>/provisioning-tokens/",
        banks.ProvisioningTokensView.as_view(),
        name="locker-tokens",
    ),
    path(
        "locker-banks/<str:ref>/commands/",
        banks.BankCommandsView.as_view(),
        name="locker-bank-commands",
    ),
    path("locker-banks/<str:bank>/journal/", device.journal, name="locker-journal"),
    path("locker-banks/<str:bank>/heartbeats/", device.heartbeat, name="locker-heartbeat"),
    path("locker-devices/", device.claim, name="locker-claim"),
    path("compartments/", banks.CompartmentsView.as_view(), name="compartments"),
    path("locker-commands/", banks.LockerCommandsView.as_view(), name="locker-commands"),
    path(
        "locker-commands/<str:public_id>/", banks.LockerCommandView.as_view(), name="locker-command"
    ),
    path(
        "locker-reservations/",
        reservations.LockerReservationsView.as_view(),
        name="locker-reservations",
    ),
    path(
        "locker-reservations/<str:ref>/",
        reservations.LockerReservationView.as_view(),
        name="locker-reservation",
    ),
    path(
        "locker-reservations/<str:ref>/codes/",
        reservations.ReservationCodesView.as_view(),
        name="locker-codes",
    ),
    path("locker-events/", reports.LockerEventsView.as_view(), name="locker-events"),
    path("courier-sessions/", reports.CourierSessionsView.as_view(), name="courier-sessions"),
    path(
        "courier-sessions/<str:public_id>/",
        reports.CourierSessionView.as_view(),
        name="courier-session",
    ),
    path(
        "courier-sessions/<str:public_id>/events/",
        reports.SessionEventsView.as_view(),
        name="courier-session-events",
    ),
]
