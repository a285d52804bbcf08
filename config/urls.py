"""Every address of the console, put together from the apps' own lists."""

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from config import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("language/", login_not_required(set_language), name="set_language"),
    path("auth/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
