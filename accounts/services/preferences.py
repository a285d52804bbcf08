"""How a person wants the console to look and speak. No history is kept of it."""

from accounts.enums import Theme
from accounts.models import User


def choose_theme(*, theme: str, by: User) -> bool:
    """Keep `theme` for this person; False where it is no theme."""
    return theme in Theme.values and bool(User.objects.filter(pk=by.pk).update(theme=theme))


def choose_language(*, language: str, by: User) -> bool:
    """Keep `language`, one of the settings' codes, for this person."""
    return bool(User.objects.filter(pk=by.pk).update(language=language))
