"""The kit's tags: what pages are made of, without a browser."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client
from django.urls import NoReverseMatch, reverse

from accounts.charts import Point, draw_bars


def shown(source: str, context: Mapping[str, Any] | None = None) -> str:
    """Render a template with the kit loaded."""
    return Template("{% load console kit %}" + source).render(Context(context or {}))


ROWS = [("<Anna>", ""), ("Ben", "a<b")]
LISTING = """
{% listing rows as name, remark caption="People" %}
  {% column "Name" head=True %}{{ name }}{% endcolumn %}
  {% column "Remark" css="num" %}{{ remark }}{% endcolumn %}
  {% column "Acts" hidden=True when=may_act %}<a>Edit</a>{% endcolumn %}
{% endlisting %}
"""


def test_a_listing_names_each_column_once_and_says_it_in_each_cell() -> None:
    html = shown(LISTING, {"rows": ROWS, "may_act": True})

    assert '<caption class="visually-hidden">People</caption>' in html
    assert '<th scope="col">Name</th><th scope="col" class="num">Remark</th>' in html
    assert '<th scope="col"><span class="visually-hidden">Acts</span></th>' in html
    assert '<th scope="row"><span>&lt;Anna&gt;</span></th>' in html
    assert '<td class="num" data-label="Remark">a&lt;b</td>' in html
    assert html.count("<td><a>Edit</a></td>") == 2


def test_a_listing_marks_empty_cells_and_leaves_columns_out() -> None:
    html = shown(LISTING, {"rows": ROWS, "may_act": False})

    assert html.count('class="num nothing"') == 1
    assert "Acts" not in html


def test_a_cell_of_several_parts_stays_together() -> None:
    html = shown(
        '{% listing rows as row %}{% column "A" %}{{ row }}<small>x</small>{% endcolumn %}'
        "{% endlisting %}",
        {"rows": ["1"]},
    )

    assert '<td data-label="A"><span>1<small>x</small></span></td>' in html


def test_a_listing_says_how_it_is_written() -> None:
    with pytest.raises(TemplateSyntaxError, match="listing rows as row"):
        shown("{% listing rows %}{% endlisting %}")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '{% empty "inbox" title="None" text="Wait." %}<a>Go</a>{% endempty %}',
            '<h2>None</h2><p>Wait.</p><div class="buttons"><a>Go</a></div></div>',
        ),
        ('{% empty "inbox" title="None" %}{% endempty %}', "<h2>None</h2></div>"),
        (
            '{% stat "Seats" value=text %}{% endstat %}',
            '<div class="stat"><dt>Seats</dt><dd>&lt;b&gt;</dd></div>',
        ),
        ('{% stat "Seats" %}{% endstat %}', '<dd class="stat-empty">–</dd>'),
        ('{% stat "Seats" value=None %}{% endstat %}', '<dd aria-busy="true"></dd>'),
        ('{% stat "Seats" value="1" used=1 total=4 %}{% endstat %}', 'stroke-dasharray="25 100"'),
        ('{% stat "Seats" value="4" used=4 total=4 %}{% endstat %}', 'class="ring ring-full"'),
        ('{% disclosure "More" %}x{% enddisclosure %}', "<summary>More</summary>x</details>"),
        ('{% disclosure "More" is_open=True %}x{% enddisclosure %}', 'class="disclosure" open>'),
        ('{% event tone="good" %}<p>Paid</p>{% endevent %}', '<li class="good"><p>Paid</p></li>'),
        ("{% chip text %}", '<span class="chip">&lt;b&gt;</span>'),
    ],
)
def test_components_say_what_they_are_given(source: str, expected: str) -> None:
    assert expected in shown(source, {"text": "<b>"})


def test_chips_are_a_list_and_none_are_nothing() -> None:
    assert shown("{% chips names %}", {"names": []}) == ""
    assert shown("{% chips names %}", {"names": ["<a>", "b"]}) == (
        '<ul class="chips"><li><span class="chip">&lt;a&gt;</span></li>'
        '<li><span class="chip">b</span></li></ul>'
    )


# --- Charts --------------------------------------------------------------------------------


def points(*values: str) -> list[Point]:
    return [Point(label=str(n), name=f"Month {n}", value=Decimal(v)) for n, v in enumerate(values)]


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        ("13224.00", ["0", "5000", "10000", "15000"]),
        ("1240", ["0", "500", "1000", "1500"]),
        ("10", ["0", "2.5", "5.0", "7.5", "10.0"]),
        ("0", ["0", "1"]),
    ],
)
def test_the_axis_has_round_numbers_up_to_the_highest_bar(highest: str, ticks: list[str]) -> None:
    drawn = draw_bars(points("0", highest)).wide

    assert [tick.value for tick in drawn.ticks] == [Decimal(each) for each in ticks]
    assert all(bar.above >= 0 and bar.y >= drawn.ticks[-1].y for bar in drawn.bars)


def test_bars_are_as_high_as_their_values() -> None:
    none, least, half, all_of_it = draw_bars(points("0", "0.01", "50", "100")).wide.bars

    assert (none.height, least.height) == (0, 2)
    assert abs(half.height * 2 - all_of_it.height) <= 1
    assert [none.is_last, all_of_it.is_last] == [False, True]


def test_refunds_beyond_the_spending_have_no_bar() -> None:
    assert draw_bars(points("-5")).wide.bars[0].height == 0


def test_a_phone_sees_the_last_months_and_the_table_has_all() -> None:
    chart = draw_bars(points(*"123456789"))

    assert [bar.point.label for bar in chart.narrow.bars] == ["3", "4", "5", "6", "7", "8"]
    html = shown('{% chart chart "Spending" currency="USD" column="Spent" %}', {"chart": chart})
    # A row of the table, and a bar of the wide drawing
    assert html.count("Month 0") == 2
    assert "<title>Month 8: USD\u00a09.00</title>" in html


# --- The page of all components ------------------------------------------------------------


@pytest.mark.django_db
def test_the_page_of_components_is_not_there_without_its_setting(client: Client) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("components")
    assert client.get("/components/").status_code in {302, 404}
