"""Packages and their licenses."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import BTreeIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from billing.enums import (
    CURRENT_STATES,
    RUNNING_STATES,
    Edition,
    LicenseKind,
    LicenseSource,
    PackageKind,
    PackageState,
    RenewalMode,
    TermUnit,
)


class PackageQuerySet(models.QuerySet["Package"]):
    """Packages by what they are at an instant."""

    def current(self) -> "PackageQuerySet":
        """Return those that occupy their application (stored state; see `derive_states`)."""
        return self.filter(state__in=CURRENT_STATES)

    def live(self, now: datetime) -> "PackageQuerySet":
        """Return those whose licenses work at `now`, whatever a sweep has recorded."""
        return self.filter(state__in=RUNNING_STATES, expires_at__gt=now)


class Package(models.Model):
    """The prepaid instance: one application's subscription.

    Boundaries of months are counted from `anchor_at`: the expiry is the boundary after `months`
    months, plus `extension`, by which staff made good for lost time. A trial has no months; its
    expiry was set when it was granted. `state` is what has been recorded; what holds at an
    instant is derived (`state_at`).
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="packages", verbose_name=_("account")
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        related_name="packages",
        verbose_name=_("application"),
    )
    kind = models.CharField(_("kind"), max_length=8, choices=PackageKind)
    state = models.CharField(_("recorded state"), max_length=16, choices=PackageState)
    edition = models.CharField(_("edition"), max_length=16, choices=Edition)
    term_unit = models.CharField(_("term"), max_length=8, choices=TermUnit, default=TermUnit.MONTH)
    anchor_at = models.DateTimeField(_("counted from"))
    months = models.PositiveIntegerField(_("months"), default=0)
    extension = models.DurationField(_("time given back"), default=timedelta)
    expires_at = models.DateTimeField(_("expires"))
    purchased_at = models.DateTimeField(_("purchased"), null=True, blank=True)
    renewal_mode = models.CharField(
        _("renewal"), max_length=16, choices=RenewalMode, default=RenewalMode.REMIND
    )
    is_switched_from_postpaid = models.BooleanField(_("switched from postpaid"), default=False)
    created_at = models.DateTimeField(_("created"))

    objects: ClassVar[PackageQuerySet] = PackageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        indexes = [
            models.Index(fields=["account", "application", "-id"]),
            # What staff narrow the list of all packages down to.
            models.Index(fields=["state", "-id"], name="billing_package_state_idx"),
            models.Index(fields=["edition", "-id"], name="billing_package_edition_idx"),
            # One for each state that a sweep looks for, so that none is read for another; with
            # the account, by which it takes them together, so that it reads no row to find them.
            *(
                BTreeIndex(
                    fields=["expires_at", "id"],
                    include=["account"],
                    name=f"billing_pkg_{state}_due_idx",
                    condition=Q(state=state),
                )
                for state in ("trial", "active", "isolated")
            ),
            # Few packages renew themselves: they are not looked for among all that are due.
            BTreeIndex(
                fields=["expires_at", "id"],
                name="billing_pkg_automatic_idx",
                condition=Q(renewal_mode="automatic", state__in=["active", "isolated"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state__in=["trial", "active", "isolated"]),
                name="billing_package_one_current",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(state="trial"),
                name="billing_package_one_running_trial",
            ),
            models.CheckConstraint(
                condition=Q(kind="trial", state__in=["trial", "released"])
                | Q(kind="paid", state__in=["active", "isolated", "released", "refunded"]),
                name="billing_package_state_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind="trial", purchased_at=None, months=0)
                | Q(kind="paid", purchased_at__isnull=False, months__gt=0),
                name="billing_package_purchase_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("anchor_at")), name="billing_package_expires_later"
            ),
            models.CheckConstraint(
                condition=Q(extension__gte=timedelta(0)), name="billing_package_extension_forward"
            ),
        ]

    def __str__(self) -> str:
        return str(self.application)

    def is_live(self, now: datetime) -> bool:
        """Whether licenses work at `now`, as far as the package is concerned."""
        return self.state in RUNNING_STATES and now < self.expires_at


class TrialGrant(models.Model):
    """The one trial that an account ever gets; the unique key is the guarantee."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, related_name="trial_grant", verbose_name=_("account")
    )
    package = models.OneToOneField(
        Package, on_delete=models.PROTECT, related_name="+", verbose_name=_("package")
    )
    granted_at = models.DateTimeField(_("granted"))

    class Meta:
        verbose_name = _("trial grant")
        verbose_name_plural = _("trial grants")

    def __str__(self) -> str:
        return str(self.account)


class LicenseQuerySet(models.QuerySet["License"]):
    """Licenses by what they are at an instant."""

    def not_ended(self, now: datetime) -> "LicenseQuerySet":
        """Return those that their package still has at `now`, live or not."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now))

    def live(self, now: datetime) -> "LicenseQuerySet":
        """Return those that work at `now`."""
        return self.not_ended(now).filter(
            package__state__in=RUNNING_STATES, package__expires_at__gt=now
        )

    def of_kind(self, kind: str) -> "LicenseQuerySet":
        """Return agent licenses, or SIP licenses."""
        return self.filter(kind=kind)


class License(models.Model):
    """One seat of a package.

    It lasts as long as the package, unless a renewal left it out: then `ends_at` says when.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="licenses", verbose_name=_("account")
    )
    package = models.ForeignKey(
        Package, on_delete=models.PROTECT, related_name="licenses", verbose_name=_("package")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=LicenseKind)
    source = models.CharField(_("source"), max_length=8, choices=LicenseSource)
    order_line = models.ForeignKey(
        "billing.OrderLine",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="licenses",
        verbose_name=_("order line"),
    )
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    objects: ClassVar[LicenseQuerySet] = LicenseQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("license")
        verbose_name_plural = _("licenses")
        indexes = [models.Index(fields=["account", "package", "kind", "id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(source="included", order_line=None)
                | Q(source="bought", order_line__isnull=False),
                name="billing_license_source_fits_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class SweepRun(models.Model):
    """One finished run of the expiry sweep; `/readyz` looks at the last one."""

    as_of = models.DateTimeField(_("as of"))
    finished_at = models.DateTimeField(_("finished"))
    counts = models.JSONField(_("changes"), default=dict)

    class Meta:
        verbose_name = _("sweep")
        verbose_name_plural = _("sweeps")
        indexes = [models.Index(fields=["-finished_at"])]

    def __str__(self) -> str:
        return f"{self.as_of:%Y-%m-%d %H:%M}"


class ExpiryReminder(models.Model):
    """A reminder that was sent: one for each package, expiry and offset, however often one asks."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account")
    )
    package = models.ForeignKey(
        Package, on_delete=models.PROTECT, related_name="reminders", verbose_name=_("package")
    )
    expires_at = models.DateTimeField(_("expiry"))
    offset_days = models.SmallIntegerField(_("days after the expiry"))
    sent_at = models.DateTimeField(_("sent"))

    class Meta:
        verbose_name = _("expiry reminder")
        verbose_name_plural = _("expiry reminders")
        constraints = [
            models.UniqueConstraint(
                fields=["package", "expires_at", "offset_days"], name="billing_reminder_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package_id} {self.offset_days:+d}"
