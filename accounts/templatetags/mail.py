"""What templates of mail need: `{% load mail %}`.

`{{ user_agent|browser }}` names a browser in words.
"""

from django import template
from django.utils.translation import gettext as _

register = template.Library()

#: What a browser calls itself, the more particular first: most also claim to be Chrome or Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "MicroMessenger": "WeChat",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Macintosh": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@register.filter
def browser(user_agent: str) -> str:
    """Name the browser and system of a User-Agent header; one that is not known stays as it is."""
    name = next((name for sign, name in _BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in user_agent), "")
    if name and system:
        # Translators: "Firefox on Windows".
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return user_agent
