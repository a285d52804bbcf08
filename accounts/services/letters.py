"""Notifications in words, for the console and for email."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.context import Context
from django.template.loader import get_template, render_to_string
from django.utils import translation
from django.utils.dateparse import parse_datetime

from accounts.models import Notification


@dataclass(frozen=True)
class LetterWords:
    """A headline and the text below it."""

    subject: str
    text: str


def absolute(path: str) -> str:
    """Return the full address of a page of this console; nothing for no path."""
    return f"{settings.CONSOLE_URL.rstrip('/')}{path}" if path else ""


def render_plain(template_name: str, context: Mapping[str, Any]) -> str:
    """Render plain text, in which nothing is escaped."""
    template: Any = get_template(template_name)
    return str(template.template.render(Context(dict(context), autoescape=False))).strip()


def write(notification: Notification) -> LetterWords:
    """Put a notification (with `user` and `account`) into words, in the language now active."""
    text = render_plain(f"notifications/{notification.kind}.txt", _context(notification))
    subject, _newline, body = text.partition("\n")
    return LetterWords(subject.strip(), body.strip())


def write_email(notification: Notification) -> tuple[LetterWords, str]:
    """Return the words of a notification and its HTML, in its reader's language."""
    language = notification.user.language
    if language not in dict(settings.LANGUAGES):
        language = settings.LANGUAGE_CODE
    with translation.override(language):
        words = write(notification)
        context = {**_context(notification), "subject": words.subject, "text": words.text}
        try:
            html = render_to_string(f"notifications/{notification.kind}.html", context)
        except TemplateDoesNotExist:
            html = render_to_string("notifications/email.html", context)
    return words, html


def _context(notification: Notification) -> dict[str, Any]:
    return {
        **{key: _revive(key, value) for key, value in notification.params.items()},
        "account": notification.account,
        "user": notification.user,
        "path": notification.path,
        "url": absolute(notification.path),
    }


def _revive(key: str, value: Any) -> Any:
    """Make an instant of a value whose key ends in `_at`; JSON has none."""
    if key.endswith("_at") and isinstance(value, str):
        return parse_datetime(value) or value
    return value
