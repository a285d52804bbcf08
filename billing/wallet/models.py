"""Funds and the double-entry ledger behind them.

A fund's balance is kept by a database trigger as the sum of its entries, and a CHECK holds it
at or above zero: no code path can spend what is not there. Ledger rows are append-only.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.models.acts import person_field
from accounts.models.append_only import APPEND_ONLY
from billing.catalog.models import money_field
from billing.enums import FundKind, LedgerBook, LedgerKind, TenderKind


class Fund(models.Model):
    """One of an account's balances: cash, income transferred in, or gift."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="funds", verbose_name=_("account")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=FundKind)
    currency = models.CharField(_("currency"), max_length=3)
    balance = money_field(_("balance"), default=0)

    class Meta:
        verbose_name = _("fund")
        verbose_name_plural = _("funds")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "currency"], name="billing_fund_once"
            ),
            models.CheckConstraint(condition=Q(balance__gte=0), name="billing_fund_not_negative"),
            models.CheckConstraint(
                condition=Q(kind__in=FundKind.values), name="billing_fund_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.account}"


class LedgerTransaction(models.Model):
    """One movement of money; its entries sum to zero, which the database checks at commit."""

    kind = models.CharField(_("kind"), max_length=16, choices=LedgerKind)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="ledger_transactions",
        verbose_name=_("account"),
    )
    at = models.DateTimeField(_("when"))
    by = person_field(_("by"))
    order = models.ForeignKey(
        "billing.Order",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_transactions",
        verbose_name=_("order"),
    )
    refund = models.ForeignKey(
        "billing.Refund",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="ledger_transactions",
        verbose_name=_("refund"),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("ledger transaction")
        verbose_name_plural = _("ledger transactions")
        indexes = [models.Index(fields=["account", "-at", "-id"])]
        triggers = [
            *APPEND_ONLY,
            pgtrigger.Trigger(
                name="has_entries",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF NOT EXISTS (
                        SELECT FROM billing_ledgerentry WHERE transaction_id = NEW.id
                    ) THEN
                        RAISE EXCEPTION 'ledger transaction % has no entries', NEW.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class LedgerEntry(models.Model):
    """One leg of a transaction: into a fund or one of our own books (+), or out of it (-)."""

    transaction = models.ForeignKey(
        LedgerTransaction,
        on_delete=models.PROTECT,
        related_name="entries",
        verbose_name=_("transaction"),
    )
    book = models.CharField(_("book"), max_length=16, choices=LedgerBook)
    fund = models.ForeignKey(
        Fund,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("fund"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field(_("amount"))

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        constraints = [
            models.CheckConstraint(
                condition=Q(book="fund", fund__isnull=False) | (~Q(book="fund") & Q(fund=None)),
                name="billing_entry_fund_fits_book",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="billing_entry_not_zero"),
        ]
        triggers = [
            *APPEND_ONLY,
            pgtrigger.Trigger(
                name="keeps_balance",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.fund_id IS NOT NULL"),
                func="""
                    UPDATE billing_fund SET balance = balance + NEW.amount
                        WHERE id = NEW.fund_id AND currency = NEW.currency;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'entry % is in another currency than its fund', NEW.id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="sums_to_zero",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                func="""
                    IF EXISTS (
                        SELECT FROM billing_ledgerentry
                        WHERE transaction_id = NEW.transaction_id
                        GROUP BY currency HAVING sum(amount) <> 0
                    ) THEN
                        RAISE EXCEPTION 'ledger transaction % does not sum to zero',
                            NEW.transaction_id USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_book_display()} {self.amount}"


class Payment(models.Model):
    """What one fund, or a coupon, paid toward an order. Never changed."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="payments", verbose_name=_("payer")
    )
    order = models.ForeignKey(
        "billing.Order", on_delete=models.PROTECT, related_name="payments", verbose_name=_("order")
    )
    kind = models.CharField(_("paid from"), max_length=8, choices=TenderKind)
    fund = models.ForeignKey(
        Fund,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments",
        verbose_name=_("fund"),
    )
    coupon = models.ForeignKey(
        "billing.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments",
        verbose_name=_("coupon"),
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field(_("amount"))
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["account", "-id"]),
            # For the statement, where coupons stand among what moved.
            models.Index(
                fields=["account", "-at", "-id"],
                condition=Q(kind="coupon"),
                name="billing_payment_coupon_idx",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order", "kind"], name="billing_payment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="billing_payment_positive"),
            models.CheckConstraint(
                condition=Q(kind="coupon", coupon__isnull=False, fund=None)
                | (~Q(kind="coupon") & Q(coupon=None, fund__isnull=False)),
                name="billing_payment_has_one_source",
            ),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount}"
