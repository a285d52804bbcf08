"""What a business is screened against: tables that staff keep."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from compliance.enums import EntryKind, EntryRule
from compliance.models.wording import Named


class Industry(Named):
    """A category of business that the screening table lists scenarios of."""

    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("industry")
        verbose_name_plural = _("industries")
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="compliance_industry_name_once")
        ]


class ScreeningEntryQuerySet(models.QuerySet["ScreeningEntry"]):
    """Entries by what they are used for."""

    def in_use(self) -> "ScreeningEntryQuerySet":
        """Return the entries that requests are screened against, with their industries."""
        return self.filter(is_active=True).select_related("industry")

    def listed(self) -> "ScreeningEntryQuerySet":
        """Return the entries in the order of the list: prohibited services, then industries."""
        return self.order_by(models.F("industry__position").asc(nulls_first=True), "position", "pk")


class ScreeningEntry(Named):
    """A service that is never connected, or an industry's scenario that has its conditions."""

    kind = models.CharField(_("kind"), max_length=16, choices=EntryKind)
    industry = models.ForeignKey(
        Industry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        verbose_name=_("industry"),
    )
    rule = models.CharField(_("refused"), max_length=16, choices=EntryRule)
    position = models.PositiveIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    objects: ClassVar[ScreeningEntryQuerySet] = ScreeningEntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("screening entry")
        verbose_name_plural = _("screening entries")
        constraints = [
            models.UniqueConstraint(
                fields=["industry", "name"],
                nulls_distinct=False,
                name="compliance_screening_entry_once",
            ),
            models.CheckConstraint(
                condition=Q(kind="prohibited", industry=None, rule="always")
                | Q(kind="scenario", industry__isnull=False, rule__in=EntryRule.values),
                name="compliance_screening_entry_fits_kind",
            ),
        ]


class FlagWord(models.Model):
    """A word that sends a free description to review; compared in any case and any width."""

    word = models.CharField(_("word"), max_length=64, unique=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("flag word")
        verbose_name_plural = _("flag words")
        ordering = ["word"]

    def __str__(self) -> str:
        return self.word
