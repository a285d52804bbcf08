"""Orders, their lines and what was paid toward them."""

import secrets
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.acts import done, not_done, person_field
from billing.calendar import billing_zone, local_date
from billing.catalog.models import PriceBook, money_field
from billing.enums import (
    Edition,
    ItemKind,
    OrderKind,
    OrderStatus,
    TermUnit,
)
from billing.packages.models import Package


def make_number(now: datetime) -> str:
    """Return a number for an order or refund: the local day, and ten digits by chance."""
    return f"{local_date(now, billing_zone()):%Y%m%d}{secrets.randbelow(10**10):010d}"


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders by what they are at an instant."""

    def open(self, now: datetime) -> "OrderQuerySet":
        """Return those that can still be paid at `now`, whatever a sweep has recorded."""
        return self.filter(status=OrderStatus.UNPAID, expires_at__gt=now)


class Order(models.Model):
    """One commercial act, kept with the price book that it was priced with.

    `key` is the confirmation's own: the same confirmed form gives the same order again, and
    `fingerprint` tells whether it really is the same.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="orders", verbose_name=_("account")
    )
    payer = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="orders_to_pay", verbose_name=_("payer")
    )
    number = models.CharField(_("number"), max_length=24, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=OrderKind)
    status = models.CharField(_("status"), max_length=16, choices=OrderStatus)
    currency = models.CharField(_("currency"), max_length=3)
    price_book = models.ForeignKey(
        PriceBook, on_delete=models.PROTECT, related_name="+", verbose_name=_("price book")
    )
    promotion = models.ForeignKey(
        "billing.Promotion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("promotion"),
    )
    coupon = models.ForeignKey(
        "billing.Coupon",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("coupon"),
    )
    list_amount = money_field(_("list amount"))
    promotion_amount = money_field(_("promotion"), default=0)
    coupon_amount = money_field(_("coupon"), default=0)
    total = money_field(_("to pay"))
    excluded_funds = models.JSONField(_("funds not used"), default=list, blank=True)
    request = models.JSONField(_("request"), default=dict)
    key = models.UUIDField(_("confirmation key"))
    fingerprint = models.CharField(_("fingerprint"), max_length=64)
    created_at = models.DateTimeField(_("created"))
    created_by = person_field(_("ordered by"))
    expires_at = models.DateTimeField(_("to be paid by"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    paid_by = person_field(_("paid by"))

    objects: ClassVar[OrderQuerySet] = OrderQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["payer", "-id"]),
            # As lists print them: by date, which need not be the order of the keys.
            models.Index(fields=["account", "-created_at", "-id"], name="billing_order_dated_idx"),
            models.Index(fields=["payer", "-created_at", "-id"], name="billing_order_asked_idx"),
            # What staff narrow the list of all orders down to.
            models.Index(fields=["status", "-id"], name="billing_order_status_idx"),
            models.Index(fields=["kind", "-id"], name="billing_order_kind_idx"),
            models.Index(
                fields=["expires_at", "id"],
                name="billing_order_unpaid_idx",
                condition=Q(status="unpaid"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "key"], name="billing_order_key_once"),
            models.CheckConstraint(
                condition=Q(
                    total=F("list_amount") - F("promotion_amount") - F("coupon_amount"),
                    total__gte=0,
                    promotion_amount__gte=0,
                    coupon_amount__gte=0,
                ),
                name="billing_order_total_adds_up",
            ),
            models.CheckConstraint(
                condition=(done("paid") & Q(status__in=["paid", "refunding", "refunded"]))
                | (not_done("paid") & Q(status__in=["unpaid", "closed", "expired", "refused"])),
                name="billing_order_paid_at_fits_status",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One thing bought, with the numbers of its formula.

    `package` is empty only while a new purchase is unpaid. `net` is what the line costs after
    promotion and coupon: the part that a refund can give back.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account")
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="lines", verbose_name=_("order")
    )
    application = models.ForeignKey(
        Application, on_delete=models.PROTECT, related_name="+", verbose_name=_("application")
    )
    package = models.ForeignKey(
        Package,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="order_lines",
        verbose_name=_("package"),
    )
    is_on_trial = models.BooleanField(_("bought on a trial"), default=False)
    item = models.CharField(_("item"), max_length=16, choices=ItemKind)
    edition = models.CharField(_("edition"), max_length=16, choices=Edition)
    from_edition = models.CharField(_("from edition"), max_length=16, choices=Edition, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))
    term_unit = models.CharField(_("term"), max_length=8, choices=TermUnit, blank=True)
    term_count = models.PositiveIntegerField(_("terms"), default=0)
    unit_price = money_field(_("unit price"))
    amount = money_field(_("amount"))
    promotion_amount = money_field(_("promotion"), default=0)
    coupon_amount = money_field(_("coupon"), default=0)
    net = money_field(_("net amount"))
    formula = models.JSONField(_("formula"))

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "package", "id"])]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="billing_line_quantity"),
            models.CheckConstraint(
                condition=Q(
                    net=F("amount") - F("promotion_amount") - F("coupon_amount"), net__gte=0
                ),
                name="billing_line_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.get_edition_display()} {self.get_item_display()}"
