"""Handing out evidence files: always after a look at who asks, always to be saved."""

from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, account_page
from compliance.enums import FileKind
from compliance.models import Evidence


def send_file(evidence: Evidence) -> FileResponse:
    """Return a file so that no browser ever shows or runs it as a page of ours.

    The kind is the one that was found by the content. Raises Http404 where the store has lost it.
    """
    try:
        content = evidence.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    is_text = evidence.content_type == FileKind.TEXT
    response = FileResponse(
        content,
        as_attachment=True,
        filename=evidence.name,
        content_type=f"{evidence.content_type}; charset=utf-8"
        if is_text
        else evidence.content_type,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@account_page()
@require_safe
def evidence_file(request: HttpRequest, access: AccountAccess, public_id: UUID) -> HttpResponseBase:
    """Send one of the account's files that are disclosed to it; anything else is not there."""
    return send_file(access.get(Evidence.objects.filter(is_disclosed=True), public_id=public_id))
