"""Prices and features, as dated versions that are never edited once published."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.append_only import APPEND_ONLY
from accounts.models.versions import DatedVersion
from billing.enums import Edition, ItemKind
from compliance.wording import in_language

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def money_field(
    verbose_name: "StrOrPromise", **options: object
) -> "models.DecimalField[Decimal, Decimal]":
    """Return a column for an amount: exact, 2 decimals, up to 999,999,999,999.99."""
    return models.DecimalField(verbose_name, max_digits=14, decimal_places=2, **options)  # type: ignore[arg-type]


class PriceBook(DatedVersion):
    """All prices of one time, with the trial's terms (guide, Billing Overview)."""

    currency = models.CharField(_("currency"), max_length=3)
    trial_edition = models.CharField(_("trial edition"), max_length=16, choices=Edition)
    trial_agents = models.PositiveIntegerField(_("trial agent licenses"))
    trial_days = models.PositiveIntegerField(_("trial days"))

    class Meta:
        verbose_name = _("price book")
        verbose_name_plural = _("price books")
        indexes = [models.Index(fields=["-effective_at", "-version"])]
        triggers = APPEND_ONLY


class PriceBookWithdrawal(models.Model):
    """Taking back a published price book before anything was priced with it."""

    book = models.OneToOneField(
        PriceBook,
        on_delete=models.PROTECT,
        related_name="withdrawal",
        verbose_name=_("price book"),
    )
    reason = models.TextField(_("reason"))
    withdrawn_at = models.DateTimeField(_("withdrawn"))
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )

    class Meta:
        verbose_name = _("withdrawal of a price book")
        verbose_name_plural = _("withdrawals of price books")
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return str(self.book)


class PriceItem(models.Model):
    """What one package, or one additional license, costs a month and a year."""

    book = models.ForeignKey(
        PriceBook, on_delete=models.PROTECT, related_name="items", verbose_name=_("price book")
    )
    edition = models.CharField(_("edition"), max_length=16, choices=Edition)
    item = models.CharField(_("item"), max_length=16, choices=ItemKind)
    monthly = money_field(_("monthly price"))
    annual = money_field(_("annual price"))
    included_agents = models.PositiveIntegerField(_("included agent licenses"), default=0)
    included_sip = models.PositiveIntegerField(_("included SIP licenses"), default=0)

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["edition", "item"]
        constraints = [
            models.UniqueConstraint(
                fields=["book", "edition", "item"], name="billing_price_item_once"
            ),
            models.CheckConstraint(
                condition=Q(monthly__gt=0, annual__gt=0), name="billing_price_positive"
            ),
            models.CheckConstraint(
                condition=Q(item=ItemKind.PACKAGE) | Q(included_agents=0, included_sip=0),
                name="billing_price_only_packages_include",
            ),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.get_edition_display()} · {self.get_item_display()}"


class FeatureTable(DatedVersion):
    """The comparison of the editions at one time."""

    class Meta:
        verbose_name = _("feature table")
        verbose_name_plural = _("feature tables")
        triggers = APPEND_ONLY


class Feature(models.Model):
    """One row of the comparison: whether each edition has it, and with what scope."""

    table = models.ForeignKey(
        FeatureTable,
        on_delete=models.PROTECT,
        related_name="features",
        verbose_name=_("feature table"),
    )
    position = models.PositiveIntegerField(_("position"))
    group = models.CharField(_("group"), max_length=100)
    key = models.CharField(_("key"), max_length=64)
    name = models.CharField(_("name"), max_length=100)
    note = models.CharField(_("note"), max_length=200, blank=True)
    is_calling = models.BooleanField(
        _("needs an approved connection"),
        default=False,
        help_text=_("Available only when the application's numbers can be connected."),
    )
    in_essential = models.BooleanField(_("in Essential"))
    essential_scope = models.CharField(_("scope in Essential"), max_length=200, blank=True)
    in_premium = models.BooleanField(_("in Premium"))
    premium_scope = models.CharField(_("scope in Premium"), max_length=200, blank=True)
    # The database has the default too, for statements that leave the column out.
    words_zh = models.JSONField(
        _("Chinese text"),
        default=dict,
        db_default={},
        blank=True,
        help_text=_("For group, name, note, essential and premium. Missing texts stay in English."),
    )

    class Meta:
        verbose_name = _("feature")
        verbose_name_plural = _("features")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["table", "key"], name="billing_feature_key_once"),
            models.UniqueConstraint(
                fields=["table", "position"], name="billing_feature_position_once"
            ),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return self.name

    def _word(self, key: str, english: str) -> str:
        return in_language(english, self.words_zh.get(key, ""))

    @property
    def label(self) -> str:
        """The name in the language of the page; so are the four below."""
        return self._word("name", self.name)

    @property
    def group_label(self) -> str:
        return self._word("group", self.group)

    @property
    def note_label(self) -> str:
        return self._word("note", self.note)

    @property
    def essential_label(self) -> str:
        return self._word("essential", self.essential_scope)

    @property
    def premium_label(self) -> str:
        return self._word("premium", self.premium_scope)
