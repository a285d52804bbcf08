"""Promotions and coupons: what makes an order cheaper, and what a refund makes of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.models.acts import done_by_person, not_done, person_field
from billing.catalog.models import money_field
from billing.enums import CouponKind, Edition, OrderKind, PromotionRefundRule, TermUnit


class Limits(models.Model):
    """What an offer is limited to; an empty list limits nothing."""

    editions = ArrayField(
        models.CharField(max_length=16, choices=Edition),
        verbose_name=_("editions"),
        default=list,
        blank=True,
    )
    term_units = ArrayField(
        models.CharField(max_length=8, choices=TermUnit),
        verbose_name=_("terms"),
        default=list,
        blank=True,
    )
    order_kinds = ArrayField(
        models.CharField(max_length=16, choices=OrderKind),
        verbose_name=_("kinds of order"),
        default=list,
        blank=True,
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))

    class Meta:
        abstract = True

    def describe_limits(self) -> str:
        """Say for which orders it is: `Premium; Annual; Renewal`, or that it is for all."""
        parts = [
            ", ".join(str(Edition(value).label) for value in self.editions),
            ", ".join(str(TermUnit(value).label) for value in self.term_units),
            ", ".join(str(OrderKind(value).label) for value in self.order_kinds),
        ]
        return "; ".join(part for part in parts if part) or gettext("every order")


class Promotion(Limits):
    """A price effect for a time, with a refund rule that prevails over the usual one."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    terms = models.TextField(_("terms shown to the customer"), blank=True)
    percent_off = models.DecimalField(_("percent off"), max_digits=5, decimal_places=2, default=0)
    minimum_terms = models.PositiveIntegerField(_("minimum number of terms"), default=1)
    refund_rule = models.CharField(
        _("refund rule"),
        max_length=16,
        choices=PromotionRefundRule,
        default=PromotionRefundRule.POLICY,
    )
    refund_window_days = models.PositiveIntegerField(
        _("refund window in days"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        constraints = [
            models.CheckConstraint(
                condition=Q(percent_off__gte=0, percent_off__lt=100),
                name="billing_promotion_percent",
            ),
            models.CheckConstraint(
                condition=Q(refund_rule="window", refund_window_days__isnull=False)
                | (~Q(refund_rule="window") & Q(refund_window_days=None)),
                name="billing_promotion_window_has_days",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="billing_promotion_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Coupon(Limits):
    """A voucher, cash coupon or discount coupon of one account; never refunded."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="coupons", verbose_name=_("account")
    )
    code = models.CharField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=CouponKind)
    currency = models.CharField(_("currency"), max_length=3)
    amount = money_field(_("amount"), null=True, blank=True)
    remaining = money_field(_("remaining"), null=True, blank=True)
    percent_off = models.DecimalField(
        _("percent off"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    cap = money_field(_("at most"), null=True, blank=True)
    minimum_spend = money_field(_("minimum spend"), default=0)
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = person_field(_("created by"))
    approved_by = person_field(_("approved by"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_by = person_field(_("withdrawn by"))

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        indexes = [
            models.Index(fields=["account", "ends_at"]),
            models.Index(fields=["kind", "-id"], name="billing_coupon_kind_idx"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind="voucher",
                    amount__gt=0,
                    remaining__gte=0,
                    remaining__lte=F("amount"),
                    percent_off=None,
                )
                | Q(kind="cash", amount__gt=0, remaining=None, percent_off=None)
                | Q(
                    kind="discount",
                    amount=None,
                    remaining=None,
                    percent_off__gt=0,
                    percent_off__lte=100,
                ),
                name="billing_coupon_fits_kind",
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="billing_coupon_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(approved_by=None)
                | Q(created_by=None)
                | ~Q(approved_by=F("created_by")),
                name="billing_coupon_approved_by_another",
            ),
            models.CheckConstraint(
                condition=not_done("withdrawn") | (Q(used_at=None) & done_by_person("withdrawn")),
                name="billing_coupon_withdrawn_unused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}"
