"""Addresses of the board, under /console/."""

from django.urls import path, register_converter

from dispatch.console.board import acts, files, pages
from lastmile.core.http.converters import DateConverter

register_converter(DateConverter, "date")

app_name = "console"
urlpatterns = [
    path("", pages.board, name="board"),
    # plans and routes
    path("plans/<str:public_id>/map.json", pages.drawing, name="drawing"),
    path("plans/<str:public_id>/waves/", files.waves, name="waves"),
    path("plans/<str:public_id>/stops.csv", files.plan_csv, name="plan-csv"),
    path("plans/<str:public_id>/routes/<str:route>/", pages.route, name="route"),
    path("plans/<str:public_id>/orders/<str:order>/", pages.order, name="plan-order"),
    path("plans/<str:public_id>/orders/<str:order>/why/", pages.why, name="plan-why"),
    path("plans/<str:public_id>/changes/", pages.changes_since, name="plan-changes"),
    path("plans/<str:public_id>/progress/", pages.progress, name="plan-progress"),
    path("plans/<str:public_id>/publication/", pages.publication, name="publication"),
    path("plans/<str:public_id>/move/", acts.move, name="move"),
    path("plans/<str:public_id>/step/", acts.step, name="step"),
    path("plans/<str:public_id>/take-off/", acts.take_off, name="take-off"),
    path("plans/<str:public_id>/undo/", acts.undo, name="undo"),
    path("plans/<str:public_id>/publish/", acts.publish, name="publish"),
    path("plans/<str:public_id>/discard/", acts.discard, name="discard"),
    path("plans/<str:public_id>/revise/", acts.revise, name="revise"),
    path("plans/<str:public_id>/redispatch/", acts.redispatch, name="redispatch"),
    path("routes/<str:public_id>/manifest/", files.manifest, name="manifest"),
    path("routes/<str:public_id>/stops.csv", files.route_csv, name="route-csv"),
    path("jobs/<str:public_id>/", acts.job, name="plan-job"),
    path("jobs/<str:public_id>/cancel/", acts.cancel_job, name="plan-job-cancel"),
    # a hub's day
    path("<str:hub>/<date:date>/", pages.day, name="board-day"),
    path("<str:hub>/<date:date>/body/", pages.body, name="board-body"),
    path("<str:hub>/<date:date>/plan/", acts.plan_day, name="plan-day"),
]
