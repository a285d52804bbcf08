"""Second factors: who has one, and whether a session has used it."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

#: What counts as a second factor. Recovery codes only stand in for one.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
#: In a session that enrolled a factor, and so proved it.
_KEY = "proved_factor"


def has_factor(user: Any) -> bool:
    """Whether the user has set up a second factor."""
    return Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


def note_factor(request: HttpRequest) -> None:
    """Remember that this session has just proved a new factor."""
    request.session[_KEY] = str(request.user.pk)


def has_used_factor(request: HttpRequest) -> bool:
    """Whether this session gave a second factor: at sign-in, later, or by enrolling it."""
    if request.session.get(_KEY) == str(request.user.pk):
        return True
    user = request.user if request.user.is_authenticated else None
    records = get_authentication_records(request, user)
    return any(record.get("method") == "mfa" for record in records)
