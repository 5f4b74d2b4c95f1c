"""Addresses that only BASE_DOMAIN serves."""

from django.urls import path, re_path

from tenants.house import api, views

API = [
    path("retailers/", api.RetailersView.as_view(), name="retailers"),
    path("retailers/<str:public_id>/", api.RetailerView.as_view(), name="retailer"),
    path(
        "retailers/<str:public_id>/suspend/",
        api.SuspendRetailerView.as_view(),
        name="retailer-suspend",
    ),
    path(
        "retailers/<str:public_id>/resume/",
        api.ResumeRetailerView.as_view(),
        name="retailer-resume",
    ),
    path(
        "retailers/<str:public_id>/close/",
        api.CloseRetailerView.as_view(),
        name="retailer-close",
    ),
]
app_name = "house"
urlpatterns = [
    path("retailers/", views.retailers, name="retailers"),
    path("retailers/<str:public_id>/", views.retailer, name="retailer"),
    re_path(
        r"^retailers/(?P<public_id>ret_\w+)/(?P<action>suspend|resume|close)/$",
        views.act,
        name="retailer-act",
    ),
]
