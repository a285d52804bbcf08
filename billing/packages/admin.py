"""Packages: read, and the few facts that staff record about them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin, ReasonForm, object_action, person
from accounts.forms.fields import WholeNumberField
from accounts.models import Proposal
from accounts.services.proposals import propose
from billing.enums import PackageKind
from billing.packages.models import ExpiryReminder, License, Package, SweepRun, TrialGrant
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove


class SwitchForm(ReasonForm):
    """Whether the package was switched from postpaid."""

    is_switched = forms.TypedChoiceField(
        label=_("Switched from postpaid"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda value: value == "yes",
    )


class ExtensionForm(ReasonForm):
    """Time to give back."""

    days = WholeNumberField(label=_("Days"), min_value=0, max_value=366, initial=0)
    hours = WholeNumberField(label=_("Hours"), min_value=0, max_value=23, initial=0)

    def clean(self) -> dict[str, Any]:
        """Check that there is any time to give back."""
        data = super().clean() or {}
        if not self.errors and not data["days"] and not data["hours"]:
            self.add_error("days", _("Enter a time greater than zero."))
        return data


@admin.register(Package)
class PackageAdmin(LeanAdmin):
    list_display = (
        "id",
        "account",
        "application",
        "kind",
        "state",
        "edition",
        "expires_at",
        "renewal_mode",
    )
    list_select_related = ("account", "application")
    list_filter = ("state", "edition")
    search_fields = ("=account__uin", "=application__sdkappid")

    @object_action(
        label=_("Record a switch from postpaid"),
        permission="billing.change_package",
        form=SwitchForm,
        consequence=_("A package that was switched from postpaid has no full refund."),
        is_available=lambda package: package.kind == PackageKind.PAID,
        proposes=True,
    )
    def record_switch(
        self, request: HttpRequest, obj: Package, data: Mapping[str, Any], now: datetime
    ) -> Proposal:
        return propose(
            "package.postpaid",
            account=obj.account,
            target=obj,
            payload={"is_switched": data["is_switched"]},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    @object_action(
        label=_("Give time back"),
        permission="billing.change_package",
        form=ExtensionForm,
        consequence=_(
            "The expiry moves by this time, to make up for time lost to an overturned measure."
        ),
        is_available=lambda package: (
            package.state in PACKAGE_TRANSITIONS.sources(PackageMove.RETURN_TIME)
        ),
        proposes=True,
    )
    def give_time_back(
        self, request: HttpRequest, obj: Package, data: Mapping[str, Any], now: datetime
    ) -> Proposal:
        return propose(
            "package.extend",
            account=obj.account,
            target=obj,
            payload={"days": data["days"], "hours": data["hours"]},
            reason=data["reason"],
            by=person(request),
            now=now,
        )


@admin.register(SweepRun)
class SweepRunAdmin(LeanAdmin):
    list_display = ("finished_at", "as_of", "counts")


@admin.register(License)
class LicenseAdmin(LeanAdmin):
    """The seats of packages, each as it was made, and when it ends before its package."""

    list_display = ("id", "account", "package", "kind", "source", "created_at", "ends_at")
    list_select_related = ("account", "package", "package__application")
    search_fields = ("=account__uin",)


@admin.register(TrialGrant)
class TrialGrantAdmin(LeanAdmin):
    """Accounts that have had their one trial."""

    list_display = ("account", "package", "granted_at")
    list_select_related = ("account", "package", "package__application")
    search_fields = ("=account__uin",)


@admin.register(ExpiryReminder)
class ExpiryReminderAdmin(LeanAdmin):
    """Reminders that were sent, so that none is sent twice."""

    list_display = ("id", "account", "package", "expires_at", "offset_days", "sent_at")
    list_select_related = ("account", "package", "package__application")
    search_fields = ("=account__uin",)
