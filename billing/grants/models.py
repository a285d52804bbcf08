"""Money that staff give to an account."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.models.acts import done_by_person, not_done, person_field
from billing.catalog.models import money_field
from billing.enums import CreditStatus, FundKind
from billing.wallet.models import LedgerTransaction


class Credit(models.Model):
    """A top-up, gift grant or income transfer that staff recorded, or its reversal.

    The reference is unique, so the same transfer recorded again credits nothing. A credit above
    the threshold waits for a second person.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="credits", verbose_name=_("account")
    )
    fund_kind = models.CharField(_("fund"), max_length=8, choices=FundKind)
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field(_("amount"))
    reference = models.CharField(_("reference"), max_length=64, unique=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=CreditStatus)
    created_at = models.DateTimeField(_("created"))
    created_by = person_field(_("created by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = person_field(_("decided by"))
    reason = models.TextField(_("reason"), blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="credit",
        verbose_name=_("ledger transaction"),
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversals",
        verbose_name=_("reverses"),
    )

    class Meta:
        verbose_name = _("credit")
        verbose_name_plural = _("credits")
        permissions = [("decide_credit", _("Can decide on credits and reversals"))]
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["status", "-id"], name="billing_credit_status_idx"),
            models.Index(fields=["fund_kind", "-id"], name="billing_credit_fund_kind_idx"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_credit_positive"),
            models.CheckConstraint(
                condition=Q(status="booked", transaction__isnull=False)
                | (~Q(status="booked") & Q(transaction=None)),
                name="billing_credit_booked_has_transaction",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(created_by=None) | ~Q(decided_by=F("created_by")),
                name="billing_credit_decided_by_another",
            ),
            models.CheckConstraint(
                condition=not_done("decided") | done_by_person("decided"),
                name="billing_credit_decided_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["reverses"],
                condition=Q(status__in=["waiting", "booked"]),
                name="billing_credit_one_reversal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_fund_kind_display()} {self.amount} ({self.reference})"
