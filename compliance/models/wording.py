"""Texts that staff publish in both languages of the console."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from compliance.wording import in_language


class Named(models.Model):
    """A row with a name in English and, where it is known, in Chinese."""

    name = models.CharField(_("name"), max_length=160)
    name_zh = models.CharField(_("name in Chinese"), max_length=160, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the language of the page."""
        return in_language(self.name, self.name_zh)
