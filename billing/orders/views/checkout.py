"""From a page where someone chooses to the dialog that asks for the last word.

Every kind of order has a page with a form and a price beside it. The same address answers four
ways: the page; the price alone, while someone chooses; the page again with faults beside their
fields; and the dialog that shows the signed quote.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django_htmx.http import reswap, retarget

from accounts.access import AccountAccess
from accounts.errors import Refused
from accounts.http import render_page, wants_fragment
from accounts.models import Application
from billing.orders.forms.request import OrderRequestForm
from billing.orders.payers import count_named
from billing.orders.quoting import PreloadedFacts, make_confirmable
from billing.orders.suggestions import Suggestion, suggest
from billing.orders.views.confirm import show_confirmation
from billing.orders.views.quote_context import describe_quote
from billing.packages.acts import PackageAct
from billing.packages.models import Package
from billing.packages.status import read_status
from compliance.services.guidelines import guidelines_summary

#: What all these pages are children of, and the parts of it that htmx is answered with.
SHELL = "billing/request_page.html"
#: Asks for the price alone: `?part=price`.
PRICE = "price"
#: Buttons that show the page again with what stands in it.
UPDATING = frozenset({"update", "take", "select_all"})


def read_form(request: HttpRequest, defaults: Mapping[str, Any]) -> Any:
    """Return what was sent; on a first visit what stands in the form, and what a link named."""
    if request.method == "POST":
        return request.POST
    named: dict[str, Any] = {name: request.GET[name] for name in request.GET if name != "part"}
    if "packages" in named:
        named["packages"] = request.GET.getlist("packages")
    return {**defaults, **named}


def answer_order_form(
    request: HttpRequest,
    access: AccountAccess,
    form: OrderRequestForm,
    template: str,
    context: dict[str, Any],
    preloaded: PreloadedFacts,
    *,
    now: datetime,
) -> HttpResponse:
    """Answer a page that sells; `context` is its own, `preloaded` what it has read."""
    suggestion = _suggest(form, access, now, preloaded)
    form.offer(suggestion)
    quote = suggestion.quote if suggestion and form.is_valid() else None
    target = context.get("application") or form.target
    context = {
        **context,
        "page": template,
        "access": access,
        "form": form,
        "suggestion": suggestion,
        "refusal": suggestion.refusal if suggestion else None,
        "target": target,
        "target_acts": SimpleLazyObject(lambda: _acts_of(access, target, now)),
        "now": now,
        "guidelines": SimpleLazyObject(lambda: guidelines_summary(now)["guidelines"]),
        **describe_quote(quote),
    }
    if request.GET.get("part") == PRICE and wants_fragment(request):
        return render_page(request, SHELL, {**context, "is_live": True}, partial=PRICE)
    name = SHELL if wants_fragment(request) else template
    if request.method != "POST" or UPDATING & request.POST.keys():
        return render_page(request, name, context, partial="form")
    if quote is not None:
        return show_confirmation(request, access, make_confirmable(quote), now=now)
    form.lead_to_fault()
    response = render_page(request, name, context, partial="form", status=422)
    return reswap(retarget(response, "#order-request"), "outerHTML")


def _acts_of(
    access: AccountAccess, application: Application | None, now: datetime
) -> frozenset[PackageAct]:
    """Return what the application's package may be offered, for the way out of a refusal."""
    packages = Package.objects.current().filter(account=access.account, application=application)
    return read_status(packages.first(), access.account, now).acts


def _suggest(
    form: OrderRequestForm, access: AccountAccess, now: datetime, preloaded: PreloadedFacts
) -> Suggestion | None:
    if form.is_blank or not form.is_valid():
        return None
    try:
        order_request = form.order_request()
        count_named(account=access.account, uin=order_request.payer)
        suggestion = suggest(
            account=access.account,
            order_request=order_request,
            choice=form.offer_choice,
            preloaded=preloaded,
            now=now,
        )
    except Refused as refusal:
        form.refuse(refusal)
        return None
    if suggestion.refusal:
        form.refuse(suggestion.refusal)
    return suggestion
