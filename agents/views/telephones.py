"""SIP telephones of an application: the list, and its dialogs."""

from datetime import datetime
from typing import Any

from django.db.models.functions import Collate
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import trigger_client_event

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import render_page
from accounts.models import Application
from accounts.paging import PagePosition, SortOrder, count_up_to, read_page
from agents.errors import LicensesMissing
from agents.forms.telephones import TelephoneForm
from agents.listing import state_of
from agents.models import SipTelephone
from agents.services import telephones as services
from agents.services.packages import PackageSummary, read_summary
from agents.views.listing import state_badge
from agents.views.places import CHANGED_EVENT, back_to, may_change, place_of
from agents.views.sales import find_license_shop

ORDER = SortOrder(Collate("extension", "C"))
#: The name of the list's address.
LIST = "agents:telephones"


def _own(application: Application) -> Any:
    return SipTelephone.objects.filter(
        account_id=application.account_id, application_id=application.pk
    )


def load_telephone(
    access: AccountAccess, sdkappid: int, pk: int
) -> tuple[Application, SipTelephone]:
    """Return the account's telephone with its application; raise Http404 for any other."""
    application = load_application(access, sdkappid)
    telephone = access.get(_own(application).select_related("agent"), pk=pk)
    telephone.application = application
    return application, telephone


@account_page()
@require_safe
def telephones(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """List the application's telephones by extension."""
    application = load_application(access, sdkappid)
    now = timezone.now()
    own = _own(application)
    page = read_page(
        own.with_licenses().select_related("agent"), ORDER, PagePosition.from_query(request.GET), ""
    )
    summary = read_summary(application, now)
    context = {
        "application": application,
        "summary": summary,
        "count": count_up_to(own),
        "page": page,
        "rows": [_row(telephone, application, now) for telephone in page.rows],
        "may_change": may_change(access),
        "may_bind": _may_bind(summary, now),
        "register_url": reverse("agents:telephone_register", kwargs=place_of(application)),
        "buy_url": find_license_shop(access, application, summary.status),
    }
    return render_page(request, "agents/telephones.html", context, partial="telephones")


def _may_bind(summary: PackageSummary, now: datetime) -> bool:
    package = summary.package
    return package is not None and summary.is_live and services.may_bind(package, now)


def _row(telephone: SipTelephone, application: Application, now: datetime) -> dict[str, Any]:
    state = state_of(telephone, application.account, now)
    return {"telephone": telephone, "state": state, "badge": state_badge(state)}


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def telephone_register(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Register a telephone and show its password, this once."""
    application = load_application(access, sdkappid)
    now = timezone.now()
    form = TelephoneForm(request.POST if request.method == "POST" else None)
    missing = None
    if request.method == "POST" and form.is_valid():
        try:
            telephone, password = services.register_telephone(
                application=application, **form.cleaned_data, by=access.user, now=now
            )
        except Refused as refusal:
            form.refuse(refusal)
            missing = refusal if isinstance(refusal, LicensesMissing) else None
        else:
            return show_password(request, application, telephone, password)
    summary = read_summary(application, now)
    context = {
        "application": application,
        "form": form,
        "free": summary.sip.free,
        "missing": missing.missing if missing else 0,
        "buy_url": find_license_shop(access, application, summary.status),
        "may_change": may_change(access),
        "back_url": back_to(request, application, LIST),
    }
    status = 422 if form.is_bound else 200
    return render_page(request, "agents/telephone_register.html", context, status=status)


def show_password(
    request: HttpRequest, application: Application, telephone: SipTelephone, password: str
) -> HttpResponse:
    """Show a new password, which cannot be read again."""
    context = {
        "application": application,
        "telephone": telephone,
        "password": password,
        "back_url": back_to(request, application, LIST),
    }
    response = render_page(request, "agents/telephone_password.html", context)
    return trigger_client_event(response, CHANGED_EVENT)
