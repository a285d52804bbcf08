"""The connect guidelines, open to everyone."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from compliance.services.guidelines import read_guidelines


@login_not_required
@require_safe
def guidelines(request: HttpRequest) -> HttpResponse:
    """Show the current rule book and the list of what is not connected."""
    context = {
        "guidelines": read_guidelines(timezone.now()),
        "appeal_days": settings.APPEAL_WINDOW_DAYS,
        "appeal_limit": settings.APPEAL_LIMIT,
        "warning_days": settings.WARNING_STANDING_DAYS,
    }
    return render(request, "compliance/guidelines.html", context)
