"""Refunds: the unsubscription of a package and the money going back."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application, Entity
from accounts.models.acts import done, not_done, person_field
from accounts.models.append_only import APPEND_ONLY
from billing.catalog.models import money_field
from billing.enums import RefundStatus
from billing.packages.models import Package
from billing.wallet.models import Payment

#: The states in which a refund of more than zero uses the entity's one right.
CLAIMING_STATES = (RefundStatus.PENDING, RefundStatus.DONE)


class RefundQuerySet(models.QuerySet["Refund"]):
    """Refunds by what they are."""

    def pending(self) -> "RefundQuerySet":
        """Return those that wait for staff."""
        return self.filter(status=RefundStatus.PENDING)

    def claiming(self) -> "RefundQuerySet":
        """Return those that use, or hold, their entity's one full refund."""
        return self.filter(status__in=CLAIMING_STATES, amount__gt=0)


class Refund(models.Model):
    """A customer's request for the full refund of one package, and what became of it.

    The rules' trace, the policy's version and the amounts are kept, so that both sides can
    read later why it was granted or refused.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("account")
    )
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("company")
    )
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("application")
    )
    package = models.ForeignKey(
        Package, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("package")
    )
    product = models.CharField(_("product"), max_length=16, default="tccc")
    number = models.CharField(_("number"), max_length=24, unique=True)
    status = models.CharField(_("status"), max_length=16, choices=RefundStatus)
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field(_("amount"))
    plan = models.JSONField(_("amounts"))
    trace = models.JSONField(_("rules"))
    policy_version = models.CharField(_("policy version"), max_length=32)
    key = models.UUIDField(_("confirmation key"))
    requested_at = models.DateTimeField(_("requested"))
    requested_by = person_field(_("requested by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = person_field(_("decided by"))
    reason = models.TextField(_("reason"), blank=True)

    objects: ClassVar[RefundQuerySet] = RefundQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        permissions = [("decide_refund", _("Can decide on refunds under review"))]
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["entity", "requested_at"]),
            models.Index(fields=["status", "-id"], name="billing_refund_status_idx"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "product"],
                condition=Q(status__in=["pending", "done"], amount__gt=0),
                name="billing_refund_one_per_entity",
            ),
            models.UniqueConstraint(
                fields=["package"],
                condition=Q(status__in=["pending", "done"]),
                name="billing_refund_one_per_package",
            ),
            models.UniqueConstraint(fields=["account", "key"], name="billing_refund_key_once"),
            models.CheckConstraint(
                condition=(not_done("decided") & Q(status="pending"))
                | (done("decided") & ~Q(status="pending")),
                name="billing_refund_decided_when_not_pending",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RefundLine(models.Model):
    """What one payment gets back: to its own fund, or nothing where a coupon paid."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("payer")
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, related_name="lines", verbose_name=_("refund")
    )
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="refund_lines", verbose_name=_("payment")
    )
    amount = money_field(_("amount"))

    class Meta:
        verbose_name = _("refund line")
        verbose_name_plural = _("refund lines")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["refund", "payment"], name="billing_refund_line_once"),
            models.CheckConstraint(
                condition=Q(amount__gte=0), name="billing_refund_line_not_negative"
            ),
        ]
        triggers = [
            *APPEND_ONLY,
            pgtrigger.Trigger(
                name="never_above_payment",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                declare=[("paid", "numeric"), ("tender", "text")],
                func="""
                    SELECT amount, kind INTO paid, tender FROM billing_payment
                        WHERE id = NEW.payment_id FOR UPDATE;
                    IF (SELECT sum(amount) FROM billing_refundline
                        WHERE payment_id = NEW.payment_id) > paid THEN
                        RAISE EXCEPTION 'payment % would be refunded beyond what it paid',
                            NEW.payment_id USING ERRCODE = 'check_violation';
                    END IF;
                    IF tender = 'coupon' AND NEW.amount <> 0 THEN
                        RAISE EXCEPTION 'payment % was made by a coupon, which is never refunded',
                            NEW.payment_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount}"


class RefundHold(models.Model):
    """Staff want every refund of this account looked at; the customer never reads of it."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="refund_holds", verbose_name=_("account")
    )
    reason = models.TextField(_("reason"))
    placed_at = models.DateTimeField(_("placed"))
    placed_by = person_field(_("placed by"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund hold")
        verbose_name_plural = _("refund holds")
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(released_at=None),
                name="billing_refund_hold_one_open",
            ),
        ]

    def __str__(self) -> str:
        return str(self.account)
