"""Agents from a file and into a file."""

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import reswap, retarget

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import redirect_after, render_page, wants_fragment
from accounts.models import Application
from accounts.replica import may_read_replica
from accounts.services.background import note_watched
from accounts.services.exports import export_takes_a_job
from accounts.spreadsheets import stream_csv, write_xlsx
from accounts.views.exports import offer_export
from agents.enums import ImportStatus
from agents.forms import FilterForm
from agents.forms.imports import ImportForm
from agents.listing import agents_of
from agents.models import AgentImport
from agents.problems import group_problems
from agents.services.exports import export_rows, template_rows
from agents.services.import_jobs import begin_import, cancel_import, import_takes_a_job
from agents.services.import_turns import run_import
from agents.services.imports import check_import, send_import
from agents.sheets import COLUMNS, MAX_BYTES
from agents.views.places import may_change, place_of

TEMPLATE = "agents/import_file.html"
#: What a page that waits asks with: the phase that it shows.
SHOWN = "shown"
PROBLEMS_SHOWN = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Take a file, and lead to the page that checks it."""
    application = load_application(access, sdkappid)
    is_posted = request.method == "POST"
    form = ImportForm(request.POST, request.FILES) if is_posted else ImportForm()
    if is_posted and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            imported = send_import(
                application=application,
                file_name=file.name,
                content=file.read(MAX_BYTES + 1),
                mode=form.cleaned_data["mode"],
                by=access.user,
                now=timezone.now(),
            )
        except Refused as refusal:
            form.add_error("file" if refusal.code != "account_restricted" else None, str(refusal))
        else:
            return redirect(_url(imported))
    context = {
        "application": application,
        "form": form,
        "columns": [str(label) for key, label in COLUMNS.items() if key != "state"],
        "limit": settings.AGENT_IMPORT_LIMIT,
        "may_change": may_change(access),
        "place": place_of(application),
    }
    return render_page(
        request, "agents/import.html", context, partial="form", status=422 if is_posted else 200
    )


def _load(access: AccountAccess, sdkappid: int, pk: int) -> AgentImport:
    application = load_application(access, sdkappid)
    own = AgentImport.objects.filter(application=application).defer("content")
    imported = access.get(own.select_related("created_by", "started_by"), pk=pk)
    imported.application = application
    return imported


def _url(imported: AgentImport, name: str = "file") -> str:
    place = place_of(imported.application) | {"pk": imported.pk}
    return reverse(f"agents:import_{name}", kwargs=place)


def _answer(
    request: HttpRequest,
    access: AccountAccess,
    imported: AgentImport,
    refusal: Refused | None = None,
    *,
    partial: str = "import",
) -> HttpResponse:
    names = ("check", "run", "progress", "problems", "file", "cancel")
    groups = group_problems(imported.problems)
    context = {
        "application": imported.application,
        "imported": imported,
        "kept_hours": settings.IMPORT_FILE_RETENTION_HOURS,
        "refusal": refusal,
        "problems": [(COLUMNS.get(group.column, ""), group) for group in groups[:PROBLEMS_SHOWN]],
        "has_more": len(groups) > PROBLEMS_SHOWN,
        "shown": PROBLEMS_SHOWN,
        "labels": [COLUMNS[column] for column in imported.preview.get("columns", [])],
        "urls": {name: _url(imported, name) for name in names},
        "takes_a_job": import_takes_a_job(imported),
        "place": place_of(imported.application),
        "may_change": may_change(access),
    }
    status = 422 if refusal else 200
    return render_page(request, TEMPLATE, context, partial=partial, status=status)


@account_page(Permission.MANAGE_AGENTS)
@require_safe
def import_page(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int
) -> HttpResponse:
    """Show how far a file has come: its problems, its preview, or its end."""
    return _answer(request, access, _load(access, sdkappid, pk))


@account_page(Permission.MANAGE_AGENTS)
@require_POST
def check(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Check every row of the file, unless a job does; nothing is written."""
    imported = _load(access, sdkappid, pk)
    is_left_to_a_job = imported.is_waiting and import_takes_a_job(imported)
    if imported.status not in {ImportStatus.WAITING, ImportStatus.DONE} and not is_left_to_a_job:
        try:
            check_import(imported=imported, now=timezone.now())
        except Refused as refusal:
            return _answer(request, access, imported, refusal)
    return _answer(request, access, imported)


@account_page(Permission.MANAGE_AGENTS)
@require_POST
def import_run(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Write the agents of the file that are not written yet, or let a job write them."""
    imported = _load(access, sdkappid, pk)
    try:
        if import_takes_a_job(imported):
            begin_import(imported=imported, by=access.user, now=timezone.now())
            return redirect_after(request, _url(imported))
        done = run_import(imported=imported, by=access.user, now=timezone.now())
    except Refused as refusal:
        return _answer(request, access, _load(access, sdkappid, pk), refusal)
    done.application = imported.application
    return _answer(request, access, done)


@account_page(Permission.MANAGE_AGENTS)
@require_POST
def import_cancel(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int
) -> HttpResponse:
    """Cancel what a job is about to do, and lead to the file, or to where one sends another."""
    imported = _load(access, sdkappid, pk)
    try:
        is_there = cancel_import(imported=imported, by=access.user, now=timezone.now())
    except Refused as refusal:
        return _answer(request, access, _load(access, sdkappid, pk), refusal)
    messages.info(request, _("Canceled. Nothing was imported."))
    place = place_of(imported.application)
    send_url = reverse("agents:import", kwargs=place)
    return redirect_after(request, _url(imported) if is_there else send_url)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def progress(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Tell how far the file is; to a page that shows the same phase already, only the bar.

    A page that waits asks by POST, since it is noted that a person looks. Anyone else is led to
    that page.
    """
    imported = _load(access, sdkappid, pk)
    if request.method == "POST":
        note_watched(imported, access.user, timezone.now())
    if not wants_fragment(request):
        return redirect(_url(imported))
    if request.GET.get(SHOWN) == imported.phase:
        response = _answer(request, access, imported, partial="bar")
        return reswap(retarget(response, "#import-bar"), "innerHTML")
    return _answer(request, access, imported)


@account_page(Permission.MANAGE_AGENTS)
@require_safe
def problems(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int
) -> HttpResponseBase:
    """Give all problems of a file as CSV."""
    imported = _load(access, sdkappid, pk)
    rows = [[_("Row"), _("Column"), _("Value"), _("Problem")]]
    for problem in imported.problems:
        label = str(COLUMNS.get(problem["column"], ""))
        rows.append([str(problem["row"]), label, problem["value"], problem["message"]])
    return _csv_response(stream_csv(rows), f"import-{imported.pk}-problems.csv")


def _csv_response(pieces: Any, name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        pieces,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _file_response(
    request: HttpRequest, rows: Any, name: str
) -> StreamingHttpResponse | FileResponse:
    if request.GET.get("format") == "xlsx":
        return FileResponse(
            write_xlsx(rows, title=_("Agents")),
            as_attachment=True,
            filename=f"{name}.xlsx",
            content_type=XLSX,
        )
    return _csv_response(stream_csv(rows), f"{name}.csv")


@account_page(Permission.MANAGE_AGENTS)
@require_safe
def template(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponseBase:
    """Give an empty table with one example."""
    load_application(access, sdkappid)
    return _file_response(request, template_rows(), "agents-template")


@account_page(Permission.EXPORT_AGENTS)
@may_read_replica
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponseBase:
    """Give the agents that the address's filter matches, as CSV or XLSX; many by a job."""
    application: Application = load_application(access, sdkappid)
    list_url = reverse("agents:management", kwargs=place_of(application))
    form = FilterForm(request.GET, application=application)
    if not form.is_valid():
        messages.error(request, _("This filter is invalid."))
        return redirect(list_url)
    now, agent_filter = timezone.now(), form.agent_filter()
    chosen = agent_filter.apply(agents_of(access.account.pk, application.pk), now)
    name = f"agents-{application.sdkappid}"
    total = chosen.count()
    if request.method == "POST" or export_takes_a_job(total):
        return offer_export(
            request,
            access,
            kind="agents",
            options={"application": application.pk, "filter": asdict(agent_filter)},
            file_name=f"{name}.{'xlsx' if request.GET.get('format') == 'xlsx' else 'csv'}",
            total=total,
            back_url=f"{list_url}?{agent_filter.to_query()}".rstrip("?"),
        )
    return _file_response(request, export_rows(application, chosen, now), name)
