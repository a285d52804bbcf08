"""Tags and filters that every template of the console shares: `{% load console %}`."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BaseForm
from django.http import HttpRequest
from django.template.context import RequestContext
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

# The tag of the icon library is the only door to its pictures.
from heroicons.templatetags.heroicons import heroicon_micro

from accounts.http import wants_fragment
from accounts.instants import MINUS, time_element, to_the_second, write_moment

register = template.Library()

NO_BREAK = "\u00a0"

# --- Amounts and counts --------------------------------------------------------------------


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """Write an amount: `USD 1,234.50`, its blank unbreakable; nothing for None.

    The amount is in the currency's units, not cents, and shown with two decimals.
    """
    if amount is None:
        return ""
    exact = Decimal(amount).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    sign = MINUS if exact < 0 else ""
    digits = number_format(abs(exact), decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{currency}{NO_BREAK}{sign}{digits}"


@register.filter
def count(number: int | None) -> str:
    """Write a whole number with its thousands apart: `1,234`."""
    return "" if number is None else number_format(number, use_l10n=True, force_grouping=True)


# --- Instants and dates --------------------------------------------------------------------


@register.filter
def instant(at: datetime | None) -> SafeString | str:
    """Show an instant to the minute, with its zone: `31 Mar 2025, 23:59 UTC+8`."""
    return time_element(at, "DATETIME_FORMAT")


@register.filter
def deadline(at: datetime | None) -> SafeString | str:
    """Show an instant to the second, with its zone: `31 Mar 2025, 23:59:59 UTC+8`."""
    return time_element(at, to_the_second())


@register.filter
def moment(at: object) -> str:
    """Say an instant to the second in plain text, as mail needs it; nothing for anything else."""
    if not isinstance(at, datetime):
        return ""
    return write_moment(timezone.localtime(at))


@register.filter
def day(on: date | datetime | None) -> SafeString | str:
    """Show a date, or the local date of an instant: `31 Mar 2025`."""
    if on is None:
        return ""
    local = timezone.localtime(on).date() if isinstance(on, datetime) else on
    text = date_format(local, "DATE_FORMAT")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), text)


@register.filter
def countdown(at: datetime | None, now: datetime) -> str:
    """Say how far an instant is from `now`: `in 3 days, 4 hours`, or `3 days ago`."""
    if at is None:
        return ""
    if abs(at - now) < timedelta(minutes=1):
        return _("now")
    if at > now:
        return _("in %(time)s") % {"time": timesince(now, at)}
    return _("%(time)s ago") % {"time": timesince(at, now)}


# --- Pictures and states -------------------------------------------------------------------


@cache
def _picture(name: str) -> SafeString:
    return SafeString(heroicon_micro(name, size=16, **{"class": "icon", "focusable": "false"}))


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw a heroicon. It says nothing to screen readers: a word stands beside it."""
    return _picture(str(name))


#: What a word about a state feels like. One table, so that a word looks the same everywhere.
TONES = {
    "good": (
        "active paid done approved in_service pass valid published granted overturned enabled "
        "delivered sent connected success"
    ),
    "info": "trial pending refunding investigating reported appealed unpaid review scheduled new",
    "warning": "isolated suspended warn warning violation expiring fail_soft unlicensed verified",
    "danger": (
        "terminated blocked fail failed refused rejected actioned upheld serious severe overdue"
    ),
    "quiet": (
        "released refunded partly_refunded closed expired withdrawn dismissed disabled free ended "
        "void inactive "
        "neutral skipped"
    ),
}
_TONE_OF_STATE = {state: tone for tone, states in TONES.items() for state in states.split()}
#: Each tone has a shape of its own, since color alone tells some people nothing.
SHAPES = {
    "good": "check-circle",
    "info": "clock",
    "warning": "exclamation-triangle",
    "danger": "x-circle",
    "quiet": "minus-circle",
}


@register.simple_tag
def badge(state: str, label: str | Promise = "", *, tone: str = "", shape: str = "") -> SafeString:
    """Show a state as word, shape and color.

    `state` is the stored value, `label` its name (`get_state_display`). The tone follows from
    the state unless `tone` (good, info, warning, danger, quiet) says otherwise; `shape` is a
    heroicon in place of the tone's own.
    """
    tone = tone or _TONE_OF_STATE.get(str(state), "quiet")
    return format_html(
        '<span class="badge badge-{}">{}<span>{}</span></span>',
        tone,
        _picture(shape or SHAPES[tone]),
        label or state,
    )


@register.simple_tag
def meter(used: int, total: int, label: str) -> SafeString:
    """Draw how much of a number is used; the numbers themselves are written beside it."""
    tone = "full" if total and used >= total else "free"
    return format_html(
        '<progress class="meter meter-{}" value="{}" max="{}" aria-label="{}"></progress>',
        tone,
        min(used, total),
        max(total, 1),
        label,
    )


# --- Dialogs -------------------------------------------------------------------------------


@register.simple_tag
def dialog_link(url: str) -> SafeString:
    """Attributes of a link that opens in the page's dialog: `<a {% dialog_link url %}>`.

    Without JavaScript, and in a new tab, the link leads to the same as a whole page.
    """
    return format_html(
        'href="{0}" hx-get="{0}" hx-target="#dialog-content" hx-swap="innerHTML" '
        'aria-haspopup="dialog"',
        url,
    )


@register.simple_tag(takes_context=True)
def dialog_form(context: RequestContext, url: str = "", *, upload: bool = False) -> SafeString:
    """Attributes of a form that lives in a dialog or on its whole page.

    `url` is where it posts, by default the address in view. In the dialog it posts by htmx, and
    a refused form comes back in the same place; on a whole page it is a plain form. Forms with
    files say `upload=True`.
    """
    request: HttpRequest = context["request"]
    url = url or request.get_full_path()
    attributes = format_html('method="post" action="{}" novalidate', url)
    if upload:
        attributes += SafeString(' enctype="multipart/form-data"')
    if wants_fragment(request):
        attributes += format_html(
            ' hx-post="{}" hx-target="#dialog-content" hx-swap="innerHTML" '
            'hx-disabled-elt="find [type=submit]"',
            url,
        )
        if upload:
            attributes += SafeString(' hx-encoding="multipart/form-data"')
    return attributes


# --- Lists ---------------------------------------------------------------------------------


@register.simple_tag
def in_place(selector: str) -> SafeString:
    """Attributes that let links and GET forms inside change only the part at `selector`.

    For filter forms, heads of columns and links to other pages of a list; never around links
    that lead elsewhere. The view renders the whole page as ever, and htmx takes the part out.
    """
    return format_html(
        'hx-boost="true" hx-target="{0}" hx-select="{0}" hx-swap="outerHTML show:none" '
        'hx-push-url="true"',
        selector,
    )


@register.inclusion_tag("partials/_pagination.html", takes_context=True)
def pagination(
    context: RequestContext, page: "Page[Any]", *, total: str = "", target: str = ""
) -> dict[str, Any]:
    """Links to the other pages of a list; the rest of the query stays as it is.

    `total` replaces the count, where it is not exact ("10,000+"). `target` is the CSS selector
    of the part to change where not the whole page should (see `in_place`); it holds these links.
    """
    return {
        "page": page,
        "total": total or count(page.paginator.count),
        "target": target,
        "request": context["request"],
        "marks": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "ellipsis": page.paginator.ELLIPSIS,
    }


@register.simple_tag(takes_context=True)
def sortable(context: RequestContext, key: str, label: str, *, css: str = "") -> SafeString:
    """Write a column's head that sorts the list by the query's `sort` (`name`, `-name`)."""
    request: HttpRequest = context["request"]
    chosen = request.GET.get("sort", "")
    order = {key: "ascending", f"-{key}": "descending"}.get(chosen, "")
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{key}" if order == "ascending" else key
    shape = {"ascending": "chevron-up", "descending": "chevron-down"}.get(order, "chevron-up-down")
    return format_html(
        '<th scope="col" class="sortable {}"{}><a href="?{}">{} {}</a></th>',
        css,
        format_html(' aria-sort="{}"', order) if order else "",
        query.urlencode(),
        label,
        _picture(shape),
    )


@register.filter
def field_errors(form: BaseForm) -> list[tuple[str, str, str]]:
    """Return the faults of a form as (id of the control, label, sentences), in its order.

    A form whose labels occur more than once names what each field is about in `field_groups`.
    """
    groups: Mapping[str, str] = getattr(form, "field_groups", {})
    return [
        (
            field.id_for_label or f"{field.auto_id}_0",
            f"{groups[field.name]} – {field.label}" if field.name in groups else str(field.label),
            " ".join(str(error) for error in field.errors),
        )
        for field in form.visible_fields()
        if field.errors
    ]
