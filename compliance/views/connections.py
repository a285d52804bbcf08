"""A customer's connection requests: the list, one request, making one, taking one back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.models import Application
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from compliance.enums import ConnectionState
from compliance.forms.customers import ConnectionForm
from compliance.models import ConnectionRequest, ScreeningEntry
from compliance.screening import Finding
from compliance.services.connections import request_connection, withdraw_connection
from compliance.services.guidelines import guidelines_summary


def _page_of(access: AccountAccess, connection: ConnectionRequest) -> str:
    return reverse(
        "compliance:connection_request",
        kwargs={"uin": access.account.uin, "number": connection.number},
    )


@account_page()
@may_read_replica
@require_safe
def connection_requests(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's requests, the newest first, and the applications that lack one."""
    requests = ConnectionRequest.objects.filter(account=access.account)
    listed = requests.select_related("application", "entry__industry").order_by("-pk")
    page = read_numbered_page(listed, request.GET)
    served = requests.filter(state__in=[ConnectionState.APPROVED, ConnectionState.REVIEW])
    lacking = Application.objects.filter(account=access.account).exclude(
        pk__in=served.values("application")
    )
    context = {
        "page": page,
        "lacking": list(lacking.order_by("name", "sdkappid")),
        "may_request": access.may(Permission.REQUEST_CONNECTION),
        "is_restricted": not access.account.is_in_good_standing,
    }
    return render_page(request, "compliance/connection_requests.html", context, partial="list")


@account_page()
@require_safe
def connection_request(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show one request: what was declared, what was found, and what was decided."""
    requests = ConnectionRequest.objects.select_related(
        "application", "entry__industry", "submitted_by"
    ).prefetch_related("evidence")
    connection = access.get(requests, number=number)
    context = {
        "connection": connection,
        "findings": [Finding.from_json(data) for data in connection.screening],
        "may_request": access.may(Permission.REQUEST_CONNECTION),
    }
    return render_page(request, "compliance/connection_request.html", context, partial="request")


@account_page(Permission.REQUEST_CONNECTION)
@require_http_methods(["GET", "HEAD", "POST"])
def request_connection_page(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Declare a business; the list of what is not connected stands beside the form."""
    entries = ScreeningEntry.objects.in_use().listed()
    status = 200
    if request.method == "POST":
        form = ConnectionForm(request.POST, request.FILES, account=access.account, entries=entries)
        status = 422
        if form.is_valid():
            try:
                made = _submit(access, form)
            except Refused as refusal:
                form.refuse(refusal)
            else:
                _tell(request, made)
                return HttpResponseRedirect(_page_of(access, made))
    else:
        chosen = {"application": _asked_for(request, access)}
        form = ConnectionForm(initial=chosen, account=access.account, entries=entries)
    context = {
        "form": form,
        "has_applications": Application.objects.filter(account=access.account).exists(),
        "is_restricted": not access.account.is_in_good_standing,
        **guidelines_summary(timezone.now()),
    }
    return render_page(
        request, "compliance/connection_new.html", context, partial="form", status=status
    )


def _asked_for(request: HttpRequest, access: AccountAccess) -> Application | None:
    """The application that the link came from, where it is one of the account's."""
    sdkappid = request.GET.get("application", "")
    if not (sdkappid.isascii() and sdkappid.isdigit() and len(sdkappid) == 10):
        return None
    return Application.objects.filter(account=access.account, sdkappid=int(sdkappid)).first()


def _submit(access: AccountAccess, form: ConnectionForm) -> ConnectionRequest:
    values = form.cleaned_data
    return request_connection(
        account=access.account,
        application=values["application"],
        entry=values["entry"],
        business=form.business(),
        files=values["attachments"],
        request_key=values["request_key"],
        by=access.user,
        now=timezone.now(),
    )


def _tell(request: HttpRequest, made: ConnectionRequest) -> None:
    if made.state == ConnectionState.REFUSED:
        messages.error(request, _("This business cannot be connected. See the reasons below."))
    else:
        messages.success(request, _("The request was received and is under review."))


@account_page(Permission.REQUEST_CONNECTION)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_connection_page(
    request: HttpRequest, access: AccountAccess, number: str
) -> HttpResponse:
    """Take back a request that is still under review."""
    connection = access.get(
        ConnectionRequest.objects.select_related("application", "account"), number=number
    )
    back_url = _page_of(access, connection)
    refusal, status = "", 200
    if request.method == "POST":
        try:
            withdraw_connection(request=connection, by=access.user, now=timezone.now())
        except Refused as error:
            refusal, status = str(error), 409
        else:
            messages.success(
                request, _("Request %(number)s was withdrawn.") % {"number": connection.number}
            )
            return redirect_after(request, back_url)
    context = {"connection": connection, "back_url": back_url, "refusal": refusal}
    return render_page(request, "compliance/connection_withdraw.html", context, status=status)
