"""The tenant: legal entity, account, members, applications and restrictions."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountStatus, EntityKind, Measure, Role
from accounts.models.folded import FoldedField, FoldingModel
from accounts.models.indexes import beginning_of


class Entity(models.Model):
    """The verified legal person behind one or more accounts."""

    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=16, choices=EntityKind)
    registration_number = models.CharField(_("registration number"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        indexes = [
            beginning_of("name", name="accounts_entity_name_begins"),
            beginning_of("registration_number", name="accounts_entity_number_begins"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=EntityKind.values), name="accounts_entity_kind_known"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """The tenant: a cloud account with a 12-digit UIN, owned by one entity.

    `status` follows from the open restrictions and is written by
    `accounts.services.restrictions` alone.
    """

    uin = models.CharField("UIN", max_length=12, unique=True)
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, related_name="accounts", verbose_name=_("company")
    )
    name = models.CharField(_("name"), max_length=100)
    status = models.CharField(
        _("status"), max_length=16, choices=AccountStatus, default=AccountStatus.ACTIVE
    )
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        permissions = [("restrict_account", _("Can suspend, terminate and block accounts"))]
        indexes = [
            models.Index(fields=["status", "-id"], name="accounts_account_status"),
            beginning_of("name", name="accounts_account_name_begins"),
            beginning_of("uin", name="accounts_account_uin_begins"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(uin__regex=r"^[0-9]{12}$"), name="accounts_account_uin_12_digits"
            ),
            models.CheckConstraint(
                condition=Q(status__in=AccountStatus.values), name="accounts_account_status_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.uin})"

    @property
    def is_in_good_standing(self) -> bool:
        """Whether the account may pay, buy, renew, refund and activate (spec of statuses)."""
        return self.status == AccountStatus.ACTIVE


class Membership(models.Model):
    """A user's role in an account."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="memberships", verbose_name=_("account")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="memberships",
        verbose_name=_("user"),
    )
    role = models.CharField(_("role"), max_length=16, choices=Role)
    created_at = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="accounts_membership_once"),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="accounts_membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return str(self.user)


class Application(FoldingModel):
    """A TCCC application of an account, known by its SDKAppID."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="applications", verbose_name=_("account")
    )
    sdkappid = models.BigIntegerField("SDKAppID", unique=True)
    name = models.CharField(_("name"), max_length=64)
    name_key = FoldedField("name")
    activated_at = models.DateTimeField(_("activated"))

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        indexes = [
            models.Index(fields=["account", "sdkappid"]),
            beginning_of("name", name="accounts_app_name_begins"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "name_key"], name="accounts_application_name_once"
            ),
            models.CheckConstraint(
                condition=Q(sdkappid__gte=1_400_000_000, sdkappid__lte=9_999_999_999),
                name="accounts_application_sdkappid_10_digits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.sdkappid})"


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    """Restrictions by what they mean."""

    def open(self) -> "RestrictionQuerySet":
        """Return those that hold now."""
        return self.filter(ended_at=None)


class Restriction(models.Model):
    """One measure on one account, from its start to its end.

    A case takes away exactly what its own rows say, so lifting or overturning it gives back
    exactly that. `is_annulled` marks a measure that was found to be wrong: its time does not
    count against the customer.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="restrictions", verbose_name=_("account")
    )
    measure = models.CharField(_("measure"), max_length=16, choices=Measure)
    case_number = models.CharField(_("case"), max_length=32)
    reason = models.TextField(_("reason"))
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    is_annulled = models.BooleanField(_("annulled"), default=False)

    objects: ClassVar[models.Manager["Restriction"]] = RestrictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("restriction")
        verbose_name_plural = _("restrictions")
        indexes = [
            models.Index(fields=["account", "started_at"]),
            models.Index(fields=["case_number"], name="accounts_restriction_case_idx"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "case_number"],
                condition=Q(ended_at=None),
                name="accounts_restriction_one_open_per_case",
            ),
            models.CheckConstraint(
                condition=Q(measure__in=Measure.values), name="accounts_restriction_measure_known"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="accounts_restriction_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(is_annulled=False) | Q(ended_at__isnull=False),
                name="accounts_restriction_annulled_has_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.case_number
