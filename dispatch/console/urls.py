"""Addresses under /console/."""

from django.urls import path, register_converter

from dispatch.console import board, board_acts, board_files
from dispatch.console.dates import DateConverter

register_converter(DateConverter, "date")

app_name = "console"
urlpatterns = [
    path("", board.board, name="board"),
    # plans and routes
    path("plans/<str:public_id>/map.json", board.drawing, name="drawing"),
    path("plans/<str:public_id>/waves/", board_files.waves, name="waves"),
    path("plans/<str:public_id>/stops.csv", board_files.plan_csv, name="plan-csv"),
    path("plans/<str:public_id>/routes/<str:route>/", board.route, name="route"),
    path("plans/<str:public_id>/orders/<str:order>/", board.order, name="plan-order"),
    path("plans/<str:public_id>/orders/<str:order>/why/", board.why, name="plan-why"),
    path("plans/<str:public_id>/changes/", board.changes_since, name="plan-changes"),
    path("plans/<str:public_id>/publication/", board.publication, name="publication"),
    path("plans/<str:public_id>/move/", board_acts.move, name="move"),
    path("plans/<str:public_id>/step/", board_acts.step, name="step"),
    path("plans/<str:public_id>/take-off/", board_acts.take_off, name="take-off"),
    path("plans/<str:public_id>/undo/", board_acts.undo, name="undo"),
    path("plans/<str:public_id>/publish/", board_acts.publish, name="publish"),
    path("plans/<str:public_id>/discard/", board_acts.discard, name="discard"),
    path("plans/<str:public_id>/revise/", board_acts.revise, name="revise"),
    path("plans/<str:public_id>/redispatch/", board_acts.redispatch, name="redispatch"),
    path("routes/<str:public_id>/manifest/", board_files.manifest, name="manifest"),
    path("routes/<str:public_id>/stops.csv", board_files.route_csv, name="route-csv"),
    path("jobs/<str:public_id>/", board_acts.job, name="plan-job"),
    path("jobs/<str:public_id>/cancel/", board_acts.cancel_job, name="plan-job-cancel"),
    # a hub's day
    path("<str:hub>/<date:date>/", board.day, name="board-day"),
    path("<str:hub>/<date:date>/body/", board.body, name="board-body"),
    path("<str:hub>/<date:date>/plan/", board_acts.plan_day, name="plan-day"),
]
