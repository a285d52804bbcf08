"""What a person says of themselves, and how the console should look and speak to them.

No history is kept of it.
"""

from accounts.enums import Theme
from accounts.models import User


def choose_theme(*, theme: str, by: User) -> bool:
    """Keep `theme` for this person; False where it is no theme."""
    return theme in Theme.values and bool(User.objects.filter(pk=by.pk).update(theme=theme))


def choose_language(*, language: str, by: User) -> bool:
    """Keep `language`, one of the settings' codes or "" for the browser's, for this person."""
    return bool(User.objects.filter(pk=by.pk).update(language=language))


def introduce(*, name: str, language: str, by: User) -> None:
    """Keep the name and language of this person."""
    by.name, by.language = name, language
    User.objects.filter(pk=by.pk).update(name=name, language=language)
