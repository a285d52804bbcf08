"""The rules on behavior, as dated versions that are never edited once published."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.append_only import APPEND_ONLY
from accounts.models.versions import DatedVersion
from compliance.enums import Severity, ViolationMeasure
from compliance.models.wording import Named
from compliance.wording import in_language


class RuleBook(DatedVersion):
    """All rules of one time, published as a whole."""

    class Meta:
        verbose_name = _("rule book")
        verbose_name_plural = _("rule books")
        indexes = [models.Index(fields=["-effective_at", "-version"])]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return _("Rule book %(version)d") % {"version": self.version}


class Behaviour(Named):
    """One rule: a behavior, how grave it is, and what follows from it.

    `measures` are the measures that staff may take; `bars_refund` says whether packages and
    agents that were bought can still be refunded while a violation stands;
    `allows_legal_follow_up` whether a case with serious consequences may go to the lawyers;
    `refers_to_request` whether the case is about what a connection request declared.
    """

    book = models.ForeignKey(
        RuleBook, on_delete=models.PROTECT, related_name="behaviours", verbose_name=_("rule book")
    )
    number = models.PositiveSmallIntegerField(_("number"))
    description = models.TextField(_("description"))
    description_zh = models.TextField(_("description in Chinese"), blank=True)
    severity = models.CharField(_("severity"), max_length=16, choices=Severity)
    measures = ArrayField(
        models.CharField(max_length=16, choices=ViolationMeasure), verbose_name=_("measures")
    )
    bars_refund = models.BooleanField(_("excludes refunds"))
    allows_legal_follow_up = models.BooleanField(_("legal follow-up possible"), default=False)
    refers_to_request = models.BooleanField(_("is about a connection request"), default=False)

    class Meta:
        verbose_name = _("behavior")
        verbose_name_plural = _("behaviors")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["book", "number"], name="compliance_behaviour_once"),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values),
                name="compliance_behaviour_severity_known",
            ),
            models.CheckConstraint(
                condition=Q(measures__len__gt=0), name="compliance_behaviour_has_measures"
            ),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.number}. {self.label}"

    @property
    def text(self) -> str:
        """The description in the language of the page."""
        return in_language(self.description, self.description_zh)

    @property
    def measure_labels(self) -> list[str]:
        """What may be done about it, in words."""
        return [str(ViolationMeasure(measure).label) for measure in self.measures]

    def snapshot(self) -> dict[str, Any]:
        """Return the row as plain data, kept with each violation that is judged by it."""
        return {
            "rule_book": self.book.version,
            "number": self.number,
            "name": self.name,
            "name_zh": self.name_zh,
            "description": self.description,
            "description_zh": self.description_zh,
            "severity": self.severity,
            "measures": list(self.measures),
            "bars_refund": self.bars_refund,
            "allows_legal_follow_up": self.allows_legal_follow_up,
            "refers_to_request": self.refers_to_request,
        }
