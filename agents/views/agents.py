"""Adding one agent, and editing one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import close_dialog, render_page
from agents.errors import LicensesMissing
from agents.forms import AddAgentForm, AgentForm
from agents.listing import agents_of
from agents.services.agents import add_agent, edit_agent
from agents.services.packages import read_summary
from agents.views.places import CHANGED_EVENT, back_to, may_change
from agents.views.sales import find_license_shop


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def agent_add(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Add an agent, with a free license or without one."""
    application = load_application(access, sdkappid)
    now = timezone.now()
    form = AddAgentForm(request.POST if request.method == "POST" else None, application=application)
    missing, status = None, 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                agent = add_agent(
                    application=application,
                    details=form.details(),
                    with_license=form.wants_license,
                    by=access.user,
                    now=now,
                )
            except Refused as refusal:
                form.refuse(refusal)
                missing = refusal if isinstance(refusal, LicensesMissing) else None
            else:
                messages.success(request, _("%(agent)s was added.") % {"agent": agent})
                return close_dialog(request, CHANGED_EVENT, url=back_to(request, application))
    package = read_summary(application, now)
    context = {
        "application": application,
        "form": form,
        "seats": package.agents,
        "buy_url": find_license_shop(access, application, package.status),
        "missing": missing,
        "may_change": may_change(access),
        "back_url": back_to(request, application),
    }
    return render_page(request, "agents/agent_add.html", context, status=status)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def agent_edit(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Change what is stated about an agent."""
    application = load_application(access, sdkappid)
    agent = access.get(agents_of(access.account.pk, application.pk), pk=pk)
    agent.application = application
    form = AgentForm(
        request.POST if request.method == "POST" else None,
        application=application,
        initial=AgentForm.initial_of(agent),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                edited = edit_agent(
                    agent=agent, details=form.details(), by=access.user, now=timezone.now()
                )
            except Refused as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, _("%(agent)s was changed.") % {"agent": edited})
                return close_dialog(request, CHANGED_EVENT, url=back_to(request, application))
    context = {
        "application": application,
        "agent": agent,
        "form": form,
        "may_change": may_change(access),
        "back_url": back_to(request, application),
    }
    return render_page(request, "agents/agent_edit.html", context, status=status)
