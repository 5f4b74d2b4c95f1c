"""Addresses of the locker pages, under /console/lockers/."""

from django.urls import path

from lockers.counter import views as counter
from lockers.networks import views as networks
from lockers.pages import banks, doors, imports, reservations

app_name = "lockers"
urlpatterns = [
    path("", banks.banks, name="list"),
    path("map.json", banks.banks_map, name="map"),
    path("new/", banks.new_bank, name="new"),
    path("imports/", imports.imports, name="imports"),
    path("imports/sample.csv", imports.sample_file, name="sample"),
    path("imports/<str:public_id>/", imports.import_page, name="import"),
    path("imports/<str:public_id>/map.json", imports.import_map, name="import-map"),
    path("imports/<str:public_id>/refused.csv", imports.refused_file, name="refused"),
    path("reservations/", reservations.reservations, name="reservations"),
    path("reservations/<str:public_id>/", reservations.reservation, name="reservation"),
    path("reservations/<str:public_id>/commands/", reservations.commands, name="commands"),
    path("reservations/<str:public_id>/open/", reservations.open_door, name="open"),
    path("reservations/<str:public_id>/codes/", reservations.codes, name="codes"),
    path("reservations/<str:public_id>/change/", reservations.change, name="change"),
    path("reservations/<str:public_id>/settle/", reservations.settle, name="settle"),
    path("disputes/", reservations.disputes, name="disputes"),
    path("networks/", networks.networks, name="networks"),
    path("networks/<str:vendor>/", networks.network, name="network"),
    path("networks/<str:vendor>/test/", networks.test, name="network-test"),
    path("networks/<str:vendor>/points/", networks.points, name="network-points"),
    path("<str:public_id>/", banks.bank_page, name="bank"),
    path("<str:public_id>/edit/", banks.edit_bank, name="edit"),
    path("<str:public_id>/counter/", counter.counter, name="counter"),
    path("<str:public_id>/doors/", doors.add_doors, name="doors"),
    path("<str:public_id>/doors/<str:box>/", doors.compartment, name="compartment"),
]
