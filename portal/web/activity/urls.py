"""Paths of the activity."""

from django.urls import path

from portal.web.activity.export import activity_csv
from portal.web.activity.page import activity

urlpatterns = [
    path("activity", activity, name="activity"),
    path("activity.csv", activity_csv, name="activity-csv"),
]
