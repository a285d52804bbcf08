"""What templates need about news: `{% load notifications %}`.

`{{ role|state_name }}` names a state or role by its stored value.
"""

from django import template
from django.template.context import Context

from accounts.models import User
from accounts.services.notifications import UNREAD_LIMIT, unread_count
from accounts.wording import state_name

register = template.Library()
register.filter("state_name", state_name)


@register.simple_tag(takes_context=True)
def unread_notifications(context: Context) -> str:
    """Return how many the reader has not read, as `7` or `99+`; nothing for none."""
    user = context.get("user")
    number = unread_count(user) if isinstance(user, User) else 0
    if number > UNREAD_LIMIT:
        return f"{UNREAD_LIMIT}+"
    return str(number) if number else ""
