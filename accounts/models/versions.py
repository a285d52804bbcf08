"""Rules, prices and features that staff publish as a whole, as versions that are never edited."""

from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.acts import person_field

Version = TypeVar("Version", bound=models.Model)


class DatedVersionQuerySet(models.QuerySet[Version]):
    """Versions by the time from which they hold."""

    def in_force(self, at: datetime) -> Self:
        """Return the versions that hold at `at` or held before, the newest first."""
        return self.filter(effective_at__lte=at).order_by("-effective_at", "-version")


class DatedVersion(models.Model):
    """Something that staff publish as a whole, with the time from which it holds."""

    version = models.PositiveIntegerField(_("version"), unique=True)
    effective_at = models.DateTimeField(_("effective from"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    published_at = models.DateTimeField(_("published"))
    published_by = person_field(_("published by"))

    objects: ClassVar[DatedVersionQuerySet[Any]] = DatedVersionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.version}"
