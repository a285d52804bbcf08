"""Choosing what happens as a package's expiry comes near."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import close_dialog, render_page
from billing.enums import PackageKind, RenewalMode
from billing.packages.models import Package
from billing.packages.services import choose_renewal_mode


class RenewalModeForm(forms.Form):
    """The three ways in which a package may near its expiry."""

    mode = forms.ChoiceField(
        label=gettext_lazy("When the expiry approaches"),
        choices=RenewalMode.choices,
        widget=forms.RadioSelect,
    )


@account_page(Permission.SPEND)
@require_http_methods(["GET", "HEAD", "POST"])
def renewal_mode(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the choice for the application's paid package, and take it."""
    application = load_application(access, sdkappid)
    package = Package.objects.current().filter(application=application).first()
    if package is None or package.kind != PackageKind.PAID:
        raise Http404
    back_url = reverse(
        "agents:management", kwargs={"uin": access.account.uin, "sdkappid": sdkappid}
    )
    form = RenewalModeForm(request.POST or None, initial={"mode": package.renewal_mode})
    context: dict[str, Any] = {
        "access": access,
        "application": application,
        "form": form,
        "back_url": back_url,
    }
    if request.method != "POST":
        return render_page(request, "billing/renewal_mode.html", context)
    if form.is_valid():
        try:
            choose_renewal_mode(
                package=package, mode=form.cleaned_data["mode"], by=access.user, now=timezone.now()
            )
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The renewal mode was saved."))
            return close_dialog(request, "agents-changed", url=back_url)
    return render_page(request, "billing/renewal_mode.html", context, status=422)
