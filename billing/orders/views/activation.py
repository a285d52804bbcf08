"""Activating an application; the account's first one comes with the trial."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.http import redirect_after, render_page
from billing.catalog.queries import find_price_book
from billing.orders.forms.orders import ActivationForm
from billing.orders.trials import activate_application, is_trial_due
from billing.places import application_url


@account_page(Permission.ACTIVATE)
def activate(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Name an application and activate it; says beforehand whether the trial comes with it."""
    now = timezone.now()
    form = ActivationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            application = activate_application(
                account=access.account, name=form.cleaned_data["name"], by=access.user, now=now
            )
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            messages.success(request, _("%(name)s is active.") % {"name": application.name})
            return redirect_after(request, application_url("application", access, application))
    book = find_price_book(now)
    context = {
        "access": access,
        "form": form,
        "book": book,
        "is_trial_due": is_trial_due(access.account),
        "trial_ends_at": now + timedelta(days=book.trial_days),
        "back_url": reverse("start", kwargs={"uin": access.account.uin}),
    }
    status = 422 if form.errors else 200
    return render_page(request, "billing/activate.html", context, status=status)
