"""What happens when someone adds, uses or removes a second factor.

These are the sign-in library's own signals, its only way to tell: the project sends none itself.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.mfa.totp.internal.auth import TOTP
from allauth.usersessions.models import UserSession
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.factors import FACTORS, note_factor


@receiver(authenticator_added)
def start_using_factor(
    request: HttpRequest, user: Any, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """Let the enrolling session continue, and end the others, which never gave the factor.

    The code that proved a new authenticator app is spent: it opens no sign-in afterwards.
    """
    if authenticator.type not in FACTORS:
        return
    note_factor(request)
    if authenticator.type == Authenticator.Type.TOTP:
        TOTP(authenticator).validate_code(request.POST.get("code", ""))
    _end_other_sessions(request, user)


@receiver(authenticator_removed)
def stop_using_factor(
    request: HttpRequest, user: Any, authenticator: Authenticator, **_kwargs: Any
) -> None:
    """End the other sessions: how to sign in has changed."""
    if authenticator.type in FACTORS:
        _end_other_sessions(request, user)


def _end_other_sessions(request: HttpRequest, user: Any) -> None:
    own = request.session.session_key
    for session in UserSession.objects.filter(user_id=user.pk).exclude(session_key=own):
        session.end()
