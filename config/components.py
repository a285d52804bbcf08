"""The page of the kit: every component in every state. `make components` serves it.

Its address exists only with the setting `COMPONENTS_PAGE`, which takes `DEBUG`, so production
cannot answer it.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.charts import Point, draw_bars
from accounts.forms.fields import WholeNumberField
from accounts.http import render_page

LONG = "Donaudampfschifffahrtsgesellschaftskapitänswitwenrentenauszahlungsstelle"
CHINESE = "华东区域客户服务与售后支持中心（上海）"


@dataclass(frozen=True)
class Row:
    """A row of the tables that are shown."""

    name: str
    state: str
    groups: tuple[str, ...]
    amount: Decimal


ROWS = (
    Row("Returns desk", "active", ("Sales", "Returns"), Decimal("346.00")),
    Row(LONG, "isolated", ("Night shift",), Decimal("12345678.90")),
    Row(CHINESE, "expired", ("夜班", "售后"), Decimal("0.00")),
)
_MONTHS = ("Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun")


class SampleForm(forms.Form):
    """Fields of every kind."""

    name = forms.CharField(label="Name", help_text="As it stands on the invoice.", max_length=40)
    remark = forms.CharField(label="Remark", required=False, widget=forms.Textarea)
    edition = forms.ChoiceField(
        label="Edition",
        choices=[("essential", "Essential"), ("premium", "Premium")],
        widget=forms.RadioSelect,
    )
    country = forms.ChoiceField(label="Country", choices=[("cn", "China"), ("de", "Germany")])
    people = WholeNumberField(label="People", min_value=1, max_value=10)
    agree = forms.BooleanField(label="I have read the rules")


def _points(*amounts: int) -> list[Point]:
    names = _MONTHS[-len(amounts) :]
    return [
        Point(label=name, name=f"{name} 2026", value=Decimal(amount))
        for name, amount in zip(names, amounts, strict=True)
    ]


def _disabled() -> SampleForm:
    form = SampleForm(initial={"name": "Harbour Retail", "people": 3}, prefix="disabled")
    for field in form.fields.values():
        field.disabled = True
    return form


@login_not_required
@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """Show every component in every state; `?dialog=` and `?panel=` are asked for by htmx."""
    now = timezone.now()
    if "dialog" in request.GET or "panel" in request.GET:
        kind = "side-panel" if "panel" in request.GET else ""
        shown = {"kind": kind, "form": SampleForm(prefix="dialog"), "back_url": request.path}
        return render_page(request, "kit/components_dialog.html", shown)
    context: dict[str, Any] = {
        "title": "Components",
        "subtitle": "Every component of the console in every state.",
        "now": now,
        "later": now + timedelta(days=3),
        "rows": ROWS,
        "one": ROWS[:1],
        "long": LONG,
        "chinese": CHINESE,
        "form": SampleForm(initial={"people": 3}, prefix="empty"),
        "faulty": SampleForm(
            {"wrong-name": LONG, "wrong-people": "11", "wrong-country": "xx"}, prefix="wrong"
        ),
        "disabled": _disabled(),
        "many": draw_bars(_points(120, 90, 0, 340, 410, 380, 520, 610, 588, 730, 905, 1240)),
        "single": draw_bars(_points(5)),
        "page": Paginator(range(1000), 25).page(7),
        "acts": [
            {"label": "Assign licenses", "url": "?dialog=1"},
            {"label": "Delete", "url": "?dialog=1", "is_destructive": True},
        ],
    }
    return render_page(request, "kit/components.html", context)
