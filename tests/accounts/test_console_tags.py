"""How amounts, instants and states look on every page."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template import Context, RequestContext, Template
from django.test import RequestFactory
from django.utils import translation
from django_htmx.middleware import HtmxDetails

from accounts import instants
from accounts.templatetags import console

NOW = datetime(2025, 3, 31, 15, 59, 59, tzinfo=UTC)


def render(source: str, request: HttpRequest | None = None, **context: Any) -> str:
    template = Template("{% load console %}" + source)
    if request is None:
        return template.render(Context(context))
    return template.render(RequestContext(request, context))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param(Decimal("0"), "USD\u00a00.00", id="nothing"),
        pytest.param(Decimal("371"), "USD\u00a0371.00", id="whole"),
        pytest.param(Decimal("1234567.891"), "USD\u00a01,234,567.89", id="thousands"),
        pytest.param(Decimal("0.005"), "USD\u00a00.01", id="half a cent goes up"),
        pytest.param(Decimal("-12.5"), "USD\u00a0\u221212.50", id="negative"),
        pytest.param(None, "", id="unknown"),
    ],
)
def test_money(amount: Decimal | None, text: str) -> None:
    assert console.money(amount, "USD") == text


def test_money_of_another_currency() -> None:
    assert console.money(Decimal("1"), "CNY") == "CNY\u00a01.00"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (10_000, "10,000"), (None, "")]
)
def test_count(number: int | None, text: str) -> None:
    assert console.count(number) == text


@pytest.mark.parametrize(
    ("shown", "html"),
    [
        pytest.param(
            console.instant(NOW),
            '<time datetime="2025-03-31T15:59:59+00:00">31 Mar 2025, 23:59 '
            '<span class="zone">UTC+8</span></time>',
            id="instant",
        ),
        pytest.param(
            console.deadline(NOW),
            '<time datetime="2025-03-31T15:59:59+00:00">31 Mar 2025, 23:59:59 '
            '<span class="zone">UTC+8</span></time>',
            id="deadline",
        ),
        pytest.param(
            console.day(NOW + timedelta(seconds=1)),
            '<time datetime="2025-04-01">1 Apr 2025</time>',
            id="local day of an instant",
        ),
        pytest.param(
            console.day(date(2025, 3, 31)),
            '<time datetime="2025-03-31">31 Mar 2025</time>',
            id="day",
        ),
        pytest.param(console.instant(None), "", id="no instant"),
        pytest.param(console.day(None), "", id="no day"),
    ],
)
def test_instants_and_days(shown: str, html: str) -> None:
    assert shown == html


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("UTC", "UTC"),
        ("Asia/Shanghai", "UTC+8"),
        ("Asia/Kolkata", "UTC+5:30"),
        ("America/St_Johns", "UTC\u22122:30"),
    ],
)
def test_a_zone_is_named_by_its_distance(zone: str, name: str) -> None:
    assert instants.zone_name(NOW.astimezone(ZoneInfo(zone))) == name


@pytest.mark.parametrize(
    ("away", "text"),
    [
        pytest.param(timedelta(days=3, hours=4), "in 3\u00a0days, 4\u00a0hours", id="to come"),
        pytest.param(timedelta(hours=-2), "2\u00a0hours ago", id="past"),
        pytest.param(timedelta(seconds=59), "now", id="now"),
    ],
)
def test_countdown(away: timedelta, text: str) -> None:
    assert console.countdown(NOW + away, NOW) == text


@pytest.mark.parametrize(
    ("tag", "tone", "shape"),
    [
        pytest.param('{% badge "active" "Active" %}', "good", "check-circle", id="good"),
        pytest.param(
            '{% badge "isolated" "Active" %}', "warning", "exclamation-triangle", id="warning"
        ),
        pytest.param('{% badge "blocked" "Active" %}', "danger", "x-circle", id="danger"),
        pytest.param('{% badge "trial" "Active" %}', "info", "clock", id="info"),
        pytest.param('{% badge "unheard-of" "Active" %}', "quiet", "minus-circle", id="unknown"),
        pytest.param(
            '{% badge "active" "Active" tone="danger" %}', "danger", "x-circle", id="own tone"
        ),
        pytest.param('{% badge "active" "Active" shape="star" %}', "good", "star", id="own shape"),
    ],
)
def test_a_state_is_word_shape_and_colour(tag: str, tone: str, shape: str) -> None:
    assert render(tag) == (
        f'<span class="badge badge-{tone}">{console.icon(shape)}<span>Active</span></span>'
    )


def test_each_tone_has_its_own_shape_and_no_state_two_tones() -> None:
    states = [state for states in console.TONES.values() for state in states.split()]

    assert sorted(states) == sorted(set(states))
    assert set(console.SHAPES) == set(console.TONES)
    assert len(set(console.SHAPES.values())) == len(console.SHAPES)


def test_pictures_are_hidden_from_screen_readers() -> None:
    assert 'aria-hidden="true"' in console.icon("plus")


def test_words_of_customers_are_escaped() -> None:
    assert "<script>" not in render("{% badge word word %}", word="<script>")
    assert "<script>" not in render("{% meter 1 2 word %}", word="<script>")


@pytest.mark.parametrize(
    ("used", "total", "html"),
    [
        pytest.param(
            4,
            5,
            '<progress class="meter meter-free" value="4" max="5" aria-label="Used"></progress>',
            id="some free",
        ),
        pytest.param(
            5,
            5,
            '<progress class="meter meter-full" value="5" max="5" aria-label="Used"></progress>',
            id="none free",
        ),
        pytest.param(
            0,
            0,
            '<progress class="meter meter-free" value="0" max="1" aria-label="Used"></progress>',
            id="none at all",
        ),
    ],
)
def test_meter(used: int, total: int, html: str) -> None:
    assert console.meter(used, total, "Used") == html


def test_a_dialog_link_is_a_link_first() -> None:
    assert render("<a {% dialog_link url %}>", url="/x/?a=1&b=2") == (
        '<a href="/x/?a=1&amp;b=2" hx-get="/x/?a=1&amp;b=2" hx-target="#dialog-content" '
        'hx-swap="innerHTML" aria-haspopup="dialog">'
    )


def request_for(url: str, *, is_htmx: bool = False) -> HttpRequest:
    request = RequestFactory().get(url, headers={"HX-Request": "true"} if is_htmx else {})
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize(
    ("is_htmx", "tag", "html"),
    [
        pytest.param(
            False,
            "{% dialog_form %}",
            'method="post" action="/add/?a=1" novalidate',
            id="a whole page posts plainly",
        ),
        pytest.param(
            True,
            "{% dialog_form %}",
            'method="post" action="/add/?a=1" novalidate hx-post="/add/?a=1" '
            'hx-target="#dialog-content" hx-swap="innerHTML" '
            'hx-disabled-elt="find [type=submit]"',
            id="a dialog posts by htmx",
        ),
        pytest.param(
            False,
            '{% dialog_form "/next/" upload=True %}',
            'method="post" action="/next/" novalidate enctype="multipart/form-data"',
            id="files, elsewhere",
        ),
    ],
)
def test_a_dialogs_form(is_htmx: bool, tag: str, html: str) -> None:
    assert render(tag, request_for("/add/?a=1", is_htmx=is_htmx)) == html


@pytest.mark.parametrize(
    ("query", "link", "state"),
    [
        pytest.param("?q=a&page=2", "?q=a&amp;sort=name", "", id="unsorted"),
        pytest.param("?sort=name", "?sort=-name", ' aria-sort="ascending"', id="ascending"),
        pytest.param("?sort=-name", "?sort=name", ' aria-sort="descending"', id="descending"),
        pytest.param("?sort=email", "?sort=name", "", id="by another column"),
    ],
)
def test_a_columns_head_sorts(query: str, link: str, state: str) -> None:
    html = render('{% sortable "name" "Name" css="num" %}', request_for(f"/{query}"))

    assert html.startswith(f'<th scope="col" class="sortable num"{state}><a href="{link}">Name ')


def test_pages_of_a_list_keep_the_query() -> None:
    page = Paginator(range(95), 10).get_page(2)

    html = render("{% pagination page %}", request_for("/?q=a&page=2"), page=page)

    assert 'href="?q=a&amp;page=3" rel="next"' in html
    assert '<span class="this-page" aria-current="page">2</span>' in html
    assert "95 entries" in html


def test_a_short_list_has_no_pages_and_an_inexact_count_is_told() -> None:
    page = Paginator(range(3), 10).get_page(1)

    html = render('{% pagination page total="10,000+" %}', request_for("/"), page=page)

    assert "<a" not in html
    assert "10,000+ entries" in html


class Form(forms.Form):
    name = forms.CharField(label="Name", help_text="As customers hear it.")
    edition = forms.ChoiceField(
        label="Edition", choices=[("e", "Essential")], widget=forms.RadioSelect
    )
    note = forms.CharField(label="Note", required=False)


def test_a_refused_form_says_what_and_where() -> None:
    form = Form({"note": "x"})

    assert console.field_errors(form) == [
        ("id_name", "Name", "This field is required."),
        ("id_edition_0", "Edition", "This field is required."),
    ]
    html = form.render()
    assert '<a href="#id_edition_0">Edition</a>: This field is required.' in html
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'id="id_name_helptext"' in html


def test_one_fault_is_told_beside_its_field_only() -> None:
    assert "errornote" not in Form({"name": "x"}).render()


def test_faults_of_the_whole_form_come_first() -> None:
    form = Form({"name": "x", "edition": "e"})
    form.add_error(None, "No license is free.")

    assert form.render().index("No license is free.") < form.render().index("id_name")


@pytest.mark.parametrize(("name", "is_marked"), [("name", False), ("note", True)])
def test_only_what_may_stay_empty_is_marked(name: str, is_marked: bool) -> None:
    assert ("(optional)" in Form()[name].as_field_group()) is is_marked


def test_chinese_amounts_and_dates() -> None:
    with translation.override("zh-hans"):
        assert console.money(Decimal("12345.5"), "USD") == "USD\u00a012,345.50"
        assert 'datetime="2025-03-31"' in console.day(date(2025, 3, 31))
