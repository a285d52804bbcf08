"""The components that pages are made of: `{% load kit %}`. `make components` shows them all.

    {% listing rows as row %}
      {% column _("Number") head=True %}<a href="{{ row.url }}">{{ row.number }}</a>{% endcolumn %}
      {% column _("Total") css="num" %}{{ row.total }}{% endcolumn %}
    {% endlisting %}

    {% empty "inbox" title=_("Nothing yet") text=_("Orders stand here.") %}…buttons…{% endempty %}
    {% disclosure _("Show as table") %}…{% enddisclosure %}
    {% stat _("Agents") value="4 / 5" %}…a note…{% endstat %}
    {% event at=now tone="good" %}…what happened…{% endevent %}

Components without contents are includes of `templates/kit/`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.charts import Chart
from accounts.templatetags.console import deadline, icon, instant

register = template.Library()

# --- The data table ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Column:
    """A column of one table that is being rendered."""

    node: "ColumnNode"
    title: str
    css: str
    is_head: bool
    is_hidden: bool

    def head(self) -> SafeString:
        words = format_html('<span class="visually-hidden">{}</span>', self.title)
        return format_html(
            '<th scope="col"{}>{}</th>',
            format_html(' class="{}"', self.css) if self.css else "",
            words if self.is_hidden else self.title,
        )

    def cell(self, context: Context) -> SafeString:
        content = self.node.nodelist.render(context).strip()
        css = self.css if content else f"{self.css} nothing".strip()
        attributes = format_html(' class="{}"', css) if css else SafeString("")
        if self.is_head:
            # One child, so that name and small print stay together where the row is a card.
            return format_html(
                '<th scope="row"{}><span>{}</span></th>', attributes, SafeString(content)
            )
        if not self.is_hidden:
            attributes += format_html(' data-label="{}"', self.title)
        return format_html("<td{}>{}</td>", attributes, _as_one(content))


def _as_one(content: str) -> SafeString:
    """Keep a cell of several parts together, as it stands beside its label on a phone."""
    if "<small" in content or "<br" in content:
        return SafeString(f"<span>{content}</span>")
    return SafeString(content)


class ColumnNode(Node):
    """A column of a listing: its title, and what its cells hold."""

    child_nodelists = ("nodelist",)

    def __init__(
        self, title: FilterExpression, options: dict[str, FilterExpression], nodelist: NodeList
    ) -> None:
        self.title, self.options, self.nodelist = title, options, nodelist

    def prepare(self, context: Context) -> _Column | None:
        """Return the column as it is in this table; None where it is left out."""
        values = {name: value.resolve(context) for name, value in self.options.items()}
        if not values.get("when", True):
            return None
        return _Column(
            node=self,
            title=str(self.title.resolve(context)),
            css=str(values.get("css", "")),
            is_head=bool(values.get("head", False)),
            is_hidden=bool(values.get("hidden", False)),
        )

    def render(self, context: Context) -> SafeString:
        """Render nothing here: the listing asks for head and cells."""
        return SafeString("")


class ListingNode(Node):
    """A table with one row for each of `rows`."""

    child_nodelists = ("nodelist",)

    def __init__(
        self,
        rows: FilterExpression,
        names: list[str],
        options: dict[str, FilterExpression],
        nodelist: NodeList,
    ) -> None:
        self.rows, self.names, self.options, self.nodelist = rows, names, options, nodelist
        self.columns = [node for node in nodelist if isinstance(node, ColumnNode)]

    def render(self, context: Context) -> SafeString:
        """Render the table; on a narrow screen each row is a card."""
        options = {name: value.resolve(context) for name, value in self.options.items()}
        columns = [column for node in self.columns if (column := node.prepare(context)) is not None]
        body = "".join(self._rows(columns, context))
        return render_to_string(
            "kit/listing.html",
            {
                "caption": options.get("caption", ""),
                "css": options.get("css", "cards"),
                "heads": SafeString("".join(column.head() for column in columns)),
                "body": SafeString(body),
            },
        )

    def _rows(self, columns: list[_Column], context: Context) -> Iterator[str]:
        for row in self.rows.resolve(context) or ():
            values = row if len(self.names) > 1 else (row,)
            with context.push(**dict(zip(self.names, values, strict=True))):
                cells = "".join(column.cell(context) for column in columns)
            yield f"<tr>{cells}</tr>"


@register.tag
def column(parser: Parser, token: Token) -> ColumnNode:
    """Describe a column: `{% column title head=… css=… hidden=… when=… %}cell{% endcolumn %}`.

    `head` names the row, `hidden` hides the title from the eye, `when` leaves the column out.
    """
    _name, title, *bits = token.split_contents()
    options = token_kwargs(bits, parser)
    nodelist = parser.parse(("endcolumn",))
    parser.delete_first_token()
    return ColumnNode(parser.compile_filter(title), options, nodelist)


@register.tag
def listing(parser: Parser, token: Token) -> ListingNode:
    """Show rows as a table: `{% listing rows as row caption=… css=… %}columns{% endlisting %}`.

    Rows of several values take as many names: `as event, sentence`.
    """
    bits = token.split_contents()[1:]
    if len(bits) < 3 or bits[1] != "as":
        raise template.TemplateSyntaxError("Write: {% listing rows as row %}")
    names, rest = [], bits[2:]
    while rest and "=" not in rest[0]:
        names.append(rest.pop(0).rstrip(","))
    options = token_kwargs(rest, parser)
    nodelist = parser.parse(("endlisting",))
    parser.delete_first_token()
    return ListingNode(parser.compile_filter(bits[0]), names, options, nodelist)


# --- Components with contents --------------------------------------------------------------


@register.simple_block_tag
def empty(content: str, shape: str, *, title: str | Promise, text: str = "") -> SafeString:
    """Say that there is nothing, why, and what to do: the contents are the buttons.

    Contents that begin with a paragraph of their own bring their row of buttons along.
    """
    rest = content.strip()
    if rest and not rest.startswith("<p"):
        rest = format_html('<div class="buttons">{}</div>', SafeString(rest))
    return format_html(
        '<div class="empty">{}<h2>{}</h2>{}{}</div>',
        icon(shape),
        title,
        format_html("<p>{}</p>", text) if text else "",
        SafeString(rest),
    )


@register.simple_block_tag
def disclosure(content: str, title: str, *, css: str = "", is_open: bool = False) -> SafeString:
    """Keep something for those who ask for it; the keyboard opens it with Enter or Space."""
    return format_html(
        '<details class="disclosure{}"{}><summary>{}</summary>{}</details>',
        f" {css}" if css else "",
        SafeString(" open") if is_open else "",
        title,
        SafeString(content),
    )


@register.simple_block_tag
def stat(
    content: str,
    title: str | Promise,
    *,
    value: object = "",
    css: str = "",
    used: int | None = None,
    total: int = 0,
) -> SafeString:
    """Show a number that matters in a `<dl class="stats">`; the contents are a note below it.

    `used` of `total` also draws a ring beside the number. `value=None` is still being counted.
    """
    note = content.strip()
    if value is None:
        number = SafeString('<dd aria-busy="true"></dd>')
    else:
        kind = css or ("stat-empty" if value == "" else "")
        classes = format_html(' class="{}"', kind) if kind else ""
        number = format_html("<dd{}>{}</dd>", classes, "–" if value == "" else value)
    return format_html(
        '<div class="stat"><dt>{}</dt>{}{}{}</div>',
        title,
        number,
        format_html('<dd class="stat-note">{}</dd>', SafeString(note)) if note else "",
        ring(used, total) if used is not None else "",
    )


@register.simple_block_tag
def event(
    content: str, *, at: datetime | None = None, tone: str = "", exact: bool = False
) -> SafeString:
    """Tell one thing in an `<ol class="timeline">`, and when; `exact` is to the second."""
    when = (deadline if exact else instant)(at)
    return format_html(
        "<li{}>{}{}</li>",
        format_html(' class="{}"', tone) if tone else "",
        SafeString(content),
        when,
    )


# --- Components without contents -----------------------------------------------------------


@register.simple_tag
def ring(used: int, total: int) -> SafeString:
    """Draw how much of a number is used, as a ring; the numbers are written beside it."""
    return format_html(
        '<svg class="ring{}" viewBox="0 0 36 36" aria-hidden="true" focusable="false">'
        '<circle cx="18" cy="18" r="15"></circle>{}</svg>',
        " ring-full" if total and used >= total else "",
        format_html(
            '<circle class="ring-used" cx="18" cy="18" r="15" pathLength="100"'
            ' stroke-dasharray="{} 100"></circle>',
            min(100, round(100 * used / max(total, 1))),
        )
        if used
        else "",
    )


@register.simple_tag
def chip(text: object, *, shape: str = "") -> SafeString:
    """Show one of several things, such as a skill group."""
    return format_html('<span class="chip">{}{}</span>', icon(shape) if shape else "", text)


@register.simple_tag
def chips(texts: Sequence[object]) -> SafeString:
    """Show several things as a list of chips; nothing for none."""
    if not texts:
        return SafeString("")
    items = format_html_join("", "<li>{}</li>", ((chip(text),) for text in texts))
    return format_html('<ul class="chips">{}</ul>', items)


@register.inclusion_tag("kit/chart.html")
def chart(drawn: Chart, title: str, *, currency: str = "", column: str = "") -> dict[str, Any]:
    """Draw a chart (`accounts.charts.draw_bars`) with its axis, and say the same as a table.

    `column` is the title of the values' column; `currency` makes the values amounts.
    """
    return {"chart": drawn, "title": title, "currency": currency, "column": column}
