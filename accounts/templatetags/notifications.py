"""The number of unread news in the header: `{% load notifications %}`."""

from django import template
from django.template.context import Context

from accounts.models import User
from accounts.services.notifications import UNREAD_LIMIT, unread_count

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notifications(context: Context) -> str:
    """Return how many the reader has not read, as `7` or `99+`; nothing for none."""
    user = context.get("user")
    number = unread_count(user) if isinstance(user, User) else 0
    if number > UNREAD_LIMIT:
        return f"{UNREAD_LIMIT}+"
    return str(number) if number else ""
