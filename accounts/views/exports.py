"""Large exports: asked for, watched while a job makes the file, and fetched by who asked."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from accounts.access import AccountAccess, account_page
from accounts.enums import WorkStatus
from accounts.errors import Refused
from accounts.http import redirect_after, render_page, wants_fragment
from accounts.models import Export
from accounts.services.background import note_watched
from accounts.services.exports import begin_export, cancel_export, kept_until, kind_of

TEMPLATE = "accounts/export.html"
#: What a page that waits asks with: the phase that it shows.
SHOWN = "shown"


def offer_export(
    request: HttpRequest,
    access: AccountAccess,
    *,
    kind: str,
    options: Mapping[str, Any],
    file_name: str,
    total: int,
    back_url: str,
) -> HttpResponse:
    """Say that a file of so many rows takes a while; on POST, let a job make it."""
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            export = begin_export(
                account=access.account,
                kind=kind,
                options=options,
                file_name=file_name,
                total=total,
                by=access.user,
                now=timezone.now(),
            )
        except Refused as refused:
            refusal = refused
        else:
            return redirect_after(request, _url(access, export))
    context = {
        "access": access,
        "label": kind_of(kind).label,
        "file_name": file_name,
        "total": total,
        "back_url": back_url,
        "refusal": refusal,
    }
    status = 422 if refusal else 200
    return render_page(request, "accounts/export_begin.html", context, status=status)


def _load(access: AccountAccess, pk: int) -> Export:
    """Return an export of this person; that of another member is not found."""
    own = Export.objects.filter(created_by=access.user).select_related("created_by")
    export = access.get(own.defer("content"), pk=pk)
    if not access.may(kind_of(export.kind).permission):
        raise PermissionDenied
    return export


def _url(access: AccountAccess, export: Export, name: str = "export") -> str:
    return reverse(f"accounts:{name}", kwargs={"uin": access.account.uin, "pk": export.pk})


def _answer(
    request: HttpRequest,
    access: AccountAccess,
    export: Export,
    *,
    partial: str = "export",
    refusal: Refused | None = None,
) -> HttpResponse:
    names = {"page": "export", "cancel": "export_cancel", "file": "export_file"}
    context = {
        "access": access,
        "export": export,
        "label": kind_of(export.kind).label,
        "kept_until": kept_until(export),
        "refusal": refusal,
        "urls": {key: _url(access, export, name) for key, name in names.items()},
    }
    status = 422 if refusal else 200
    return render_page(request, TEMPLATE, context, partial=partial, status=status)


@account_page()
@require_http_methods(["GET", "HEAD", "POST"])
def export_page(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Show how far an export is; to a page that shows the same phase already, only the bar.

    A page that waits asks by POST, since it is noted that a person looks.
    """
    export = _load(access, pk)
    if request.method == "POST":
        note_watched(export, access.user, timezone.now())
    if wants_fragment(request) and request.GET.get(SHOWN) == export.phase:
        response = _answer(request, access, export, partial="bar")
        return reswap(retarget(response, "#export-bar"), "innerHTML")
    return _answer(request, access, export)


@account_page()
@require_POST
def export_cancel(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponse:
    """Cancel an export whose file is not made yet."""
    export = _load(access, pk)
    try:
        cancel_export(export=export, by=access.user, now=timezone.now())
    except Refused as refusal:
        return _answer(request, access, _load(access, pk), refusal=refusal)
    return redirect_after(request, _url(access, export))


@account_page()
@require_safe
def export_file(request: HttpRequest, access: AccountAccess, pk: int) -> HttpResponseBase:
    """Hand out the file to the person who asked for it."""
    export = _load(access, pk)
    if export.status != WorkStatus.DONE or export.content is None:
        raise Http404
    content = BytesIO(bytes(export.content))
    return FileResponse(content, as_attachment=True, filename=export.file_name)
