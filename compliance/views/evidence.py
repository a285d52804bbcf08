"""Handing out evidence files to members of the account that they concern."""

from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, account_page
from compliance.http import send_file
from compliance.models import Evidence


@account_page()
@require_safe
def evidence_file(request: HttpRequest, access: AccountAccess, public_id: UUID) -> HttpResponseBase:
    """Send one of the account's files that are disclosed to it; anything else is not there."""
    return send_file(access.get(Evidence.objects.filter(is_disclosed=True), public_id=public_id))
