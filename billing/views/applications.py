"""An application's own page: its package, what it may use, and what comes next."""

from django.http import HttpRequest, HttpResponse

from accounts.access import AccountAccess, account_page
from accounts.http import render_page
from billing.views.places import load_application


@account_page()
def application(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the application."""
    found = load_application(access, sdkappid)
    context = {"access": access, "application": found}
    return render_page(request, "billing/application.html", context)
