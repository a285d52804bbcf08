"""A customer's own violations: the list, one case, and appealing it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from accounts.paging import read_numbered_page
from accounts.replica import may_read_replica
from compliance.forms.customers import AppealForm
from compliance.models import Violation
from compliance.services.appeals import submit_appeal
from compliance.services.disclosure import list_cases, show_case, show_standing


@account_page()
@may_read_replica
@require_safe
def violations(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """List the account's cases, the newest first, with what the account's status means."""
    cases = (
        Violation.objects.filter(account=access.account)
        .select_related("application")
        .prefetch_related("appeals")
        .order_by("-pk")
    )
    page = read_numbered_page(cases, request.GET)
    context = {
        "page": page,
        "lines": list_cases(page.object_list, timezone.now()),
        "standing": show_standing(access.account),
    }
    return render_page(request, "compliance/violations.html", context, partial="list")


@account_page()
@require_safe
def violation(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Show one case: what, when, by which rule, what it takes away, and how to answer."""
    cases = Violation.objects.select_related("application", "connection", "account")
    case = access.get(cases, number=number)
    context = {
        "view": show_case(case, timezone.now()),
        "case": case,
        "now": timezone.now(),
        "may_appeal": access.may(Permission.APPEAL),
    }
    return render_page(request, "compliance/violation.html", context, partial="case")


@account_page(Permission.APPEAL)
@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, access: AccountAccess, number: str) -> HttpResponse:
    """Take an appeal of a case; a restricted account may do this too."""
    case = access.get(Violation.objects.select_related("account"), number=number)
    back_url = reverse("compliance:violation", kwargs={"uin": access.account.uin, "number": number})
    form, status = AppealForm(), 200
    if request.method == "POST":
        form, status = AppealForm(request.POST, request.FILES), 422
        if form.is_valid():
            try:
                submit_appeal(
                    violation=case,
                    statement=form.cleaned_data["statement"],
                    files=form.cleaned_data["attachments"],
                    by=access.user,
                    now=timezone.now(),
                )
            except Refused as refusal:
                form.refuse(refusal)
            else:
                messages.success(
                    request, _("Your appeal was received. Another person will review the case.")
                )
                return redirect_after(request, back_url)
    context = {
        "view": show_case(case, timezone.now()),
        "case": case,
        "form": form,
        "back_url": back_url,
    }
    return render_page(request, "compliance/appeal.html", context, status=status)
