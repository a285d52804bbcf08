"""Texts that staff publish in both languages of the console."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


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


def in_language(english: str, chinese: str) -> str:
    """Return the text that fits the active language, English where the other is missing."""
    is_chinese = (get_language() or "").startswith("zh")
    return chinese if is_chinese and chinese else english
