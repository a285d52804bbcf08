"""Choosing between the two languages that staff publish texts in."""

from django.utils.translation import get_language


def in_language(english: str, chinese: str) -> str:
    """Return the text that fits the active language, English where the other is missing."""
    is_chinese = (get_language() or "").startswith("zh")
    return chinese if is_chinese and chinese else english
