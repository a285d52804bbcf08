"""Every address of the console, put together from the apps' own lists."""

from functools import partial

from allauth.account import views as account_views
from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.urls import include, path, register_converter
from django.views.generic import RedirectView

from accounts.converters import SdkAppIdConverter, UinConverter
from accounts.row_security import as_request, decorate_all, shield
from accounts.views import home, preferences
from config import components, errors, health, metrics, outages
from config.start import views as start

# Before the apps' lists are read, which use them.
register_converter(UinConverter, "uin")
register_converter(SdkAppIdConverter, "sdkappid")

# One way in for everyone: throttled, and with the second factor.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.page_not_found
# Where the database is lost outside of a view, in the session for example.
handler500 = outages.server_error_page

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    *decorate_all(
        [
            # What the library's pages write and the mail that tells of it are one transaction.
            *(
                path(f"auth/{route}", transaction.atomic(view), name=name)
                for route, view, name in (
                    ("signup/", account_views.signup, "account_signup"),
                    ("email/", account_views.email, "account_email"),
                    ("password/change/", account_views.password_change, "account_change_password"),
                    ("password/reset/", account_views.password_reset, "account_reset_password"),
                )
            ),
            path("auth/", include("allauth.urls")),
        ],
        as_request,
    ),
    # One page on which passwords are changed, with the console's checks.
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    *decorate_all([path("admin/", admin.site.urls)], partial(shield, is_desk=True)),
    *decorate_all(
        [
            path("", home.home, name="home"),
            path("language/", preferences.set_language, name="set_language"),
            path("theme/", preferences.set_theme, name="set_theme"),
            path("console/<uin:uin>/", start.start, name="start"),
            path("", include("accounts.urls")),
            path("", include("agents.urls")),
            path("", include("billing.urls")),
            path("", include("compliance.urls")),
        ],
        shield,
    ),
]

if settings.COMPONENTS_PAGE:
    urlpatterns.append(path("components/", components.components, name="components"))
