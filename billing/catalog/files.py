"""Files of the catalog: reading a price book or a feature table, and writing a price book.

A file is read whole before anything is written, and what is wrong with it is said with its place.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.errors import Refused
from billing.calendar import months_in
from billing.catalog.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.enums import Edition, ItemKind, TermUnit

Choice = TypeVar("Choice", Edition, ItemKind)
#: What the columns of prices hold.
_PRICE_LIMIT = Decimal(10) ** 12


def _bad_file(message: str, code: str = "bad_form") -> Refused:
    return Refused(message, code=code, field="file")


def _rows(data: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the objects of a list, each with the words that name it in a message."""
    rows = data.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _bad_file(_("“%(name)s” must be a list of objects.") % {"name": name})
    return [(f"{name} {number}", row) for number, row in enumerate(rows, start=1)]


def _choice(where: str, row: Mapping[str, Any], name: str, choices: type[Choice]) -> Choice:
    value = row.get(name)
    if not isinstance(value, str) or value not in choices.values:
        raise _bad_file(
            _("%(where)s: “%(name)s” must be one of %(values)s.")
            % {"where": where, "name": name, "values": ", ".join(choices.values)}
        )
    return choices(value)


def _amount(where: str, row: Mapping[str, Any], name: str) -> Decimal:
    """Return an exact amount with at most 2 decimals above zero; floats are refused."""
    value = row.get(name)
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if (
        amount is None
        or not amount.is_finite()
        or not 0 < amount < _PRICE_LIMIT
        or amount.as_tuple().exponent < -2  # type: ignore[operator]
    ):
        raise _bad_file(
            _(
                "%(where)s: “%(name)s” must be an amount in quotes with at most 2 decimals, "
                'such as "40.00".'
            )
            % {"where": where, "name": name},
            code="bad_amount",
        )
    return amount


def _count(where: str, row: Mapping[str, Any], name: str) -> int:
    value = row.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        raise _bad_file(
            _("%(where)s: “%(name)s” must be a whole number.") % {"where": where, "name": name},
            code="bad_count",
        )
    return value


def _check_price_rows(data: Mapping[str, Any]) -> list[PriceItem]:
    rows = [(where, {**row, "item": ItemKind.PACKAGE}) for where, row in _rows(data, "packages")]
    items = [
        PriceItem(
            edition=_choice(where, row, "edition", Edition),
            item=_choice(where, row, "item", ItemKind),
            monthly=_amount(where, row, "monthly"),
            annual=_amount(where, row, "annual"),
            included_agents=_count(where, row, "included_agents"),
            included_sip=_count(where, row, "included_sip"),
        )
        for where, row in [*rows, *_rows(data, "additional")]
    ]
    wanted = {(edition, item) for edition in Edition for item in ItemKind}
    if {(item.edition, item.item) for item in items} != wanted or len(items) != len(wanted):
        raise _bad_file(
            _("A price book must price every item of both editions exactly once."),
            code="incomplete",
        )
    for item in items:
        _require_annual_is_twelve_months(item)
    return items


def _require_annual_is_twelve_months(item: PriceItem) -> None:
    right = item.monthly * months_in(TermUnit.YEAR, 1)
    if item.annual != right:
        raise Refused(
            _(
                "The annual price must be exactly 12 times the monthly price: %(edition)s, "
                "%(item)s has %(annual)s a year and %(monthly)s a month, which makes %(right)s."
            )
            % {
                "edition": item.get_edition_display(),
                "item": item.get_item_display(),
                "annual": number_format(item.annual, force_grouping=True),
                "monthly": number_format(item.monthly, force_grouping=True),
                "right": number_format(
                    item.monthly * months_in(TermUnit.YEAR, 1), force_grouping=True
                ),
            },
            code="annual_not_twelve_months",
            field="file",
        )


def _explain_bad_data(error: KeyError | ValueError | TypeError) -> Refused:
    if isinstance(error, KeyError):
        return _bad_file(_("“%(name)s” is missing from the file.") % {"name": error.args[0]})
    return _bad_file(
        _("The file does not have the expected form: %(error)s.") % {"error": str(error)[:200]}
    )


def read_price_book(
    *, data: Mapping[str, Any], effective_at: datetime, now: datetime
) -> tuple[PriceBook, list[PriceItem]]:
    """Return the price book that a file describes, and its prices, all unsaved.

    Raises Refused, with the place in the file, where it does not have the form of
    `billing/data/price_book.json`, or where `effective_at` is in the past: prices are never
    changed after the fact.
    """
    if effective_at < now:
        raise Refused(
            _("A price book cannot take effect in the past."),
            code="in_the_past",
            field="effective_at",
        )
    items = _check_price_rows(data)
    trial, currency = data.get("trial"), data.get("currency")
    if not isinstance(trial, dict):
        raise _bad_file(_("“%(name)s” is missing from the file.") % {"name": "trial"})
    if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise _bad_file(_("“currency” must be three capital letters, such as USD."))
    note = data.get("note", "")
    if not isinstance(note, str) or "\0" in note:
        raise _bad_file(_("“note” must be a text."))
    book = PriceBook(
        effective_at=effective_at,
        note=note[:200],
        currency=currency,
        trial_edition=_choice("trial", trial, "edition", Edition),
        trial_agents=_count("trial", trial, "agents"),
        trial_days=_count("trial", trial, "days"),
    )
    return book, items


def price_book_file(book: PriceBook) -> dict[str, Any]:
    """Return a price book in the form in which the next one is uploaded."""

    def prices(item: PriceItem) -> dict[str, Any]:
        return {"monthly": str(item.monthly), "annual": str(item.annual)}

    items = list(book.items.order_by("pk"))
    return {
        "currency": book.currency,
        "note": book.note,
        "trial": {
            "edition": book.trial_edition,
            "agents": book.trial_agents,
            "days": book.trial_days,
        },
        "packages": [
            {
                "edition": item.edition,
                **prices(item),
                "included_agents": item.included_agents,
                "included_sip": item.included_sip,
            }
            for item in items
            if item.item == ItemKind.PACKAGE
        ],
        "additional": [
            {"edition": item.edition, "item": item.item, **prices(item)}
            for item in items
            if item.item != ItemKind.PACKAGE
        ],
    }


def _words_zh(group: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    """Return the words in Chinese that the file has, each at most as long as its English one."""
    words = {"group": group.get("group_zh", ""), **row.get("zh", {})}
    if not set(words) <= {"group", "name", "note", "essential", "premium"}:
        raise ValueError(f"{row['key']}: unknown words in zh")
    return {key: str(text)[:200] for key, text in words.items() if text}


def _feature(group: Mapping[str, Any], position: int, row: Mapping[str, Any]) -> Feature:
    def scope(value: object) -> str:
        if not isinstance(value, bool | str):
            raise TypeError(f"{row['key']}: neither true, false nor a text")
        return value if isinstance(value, str) else ""

    return Feature(
        position=position,
        group=str(group["group"]),
        key=str(row["key"]),
        name=str(row["name"]),
        note=str(row.get("note", "")),
        is_calling=bool(row["calling"]),
        in_essential=bool(row["essential"]),
        essential_scope=scope(row["essential"]),
        in_premium=bool(row["premium"]),
        premium_scope=scope(row["premium"]),
        words_zh=_words_zh(group, row),
    )


def read_feature_table(
    *, data: Mapping[str, Any], effective_at: datetime
) -> tuple[FeatureTable, list[Feature]]:
    """Return the comparison that a file describes, and its rows, all unsaved.

    Raises Refused where it does not have the form of `billing/data/feature_table.json`.
    """
    try:
        groups: Sequence[Mapping[str, Any]] = data["groups"]
        pairs = [(group, row) for group in groups for row in group["features"]]
        features = [
            _feature(group, position, row) for position, (group, row) in enumerate(pairs, start=1)
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise _explain_bad_data(error) from error
    if not features or len({feature.key for feature in features}) != len(features):
        raise _bad_file(
            _("A feature table needs at least one row, and each key may occur only once."),
            code="incomplete",
        )
    table = FeatureTable(
        effective_at=effective_at,
        note=str(data.get("note", ""))[:200],
    )
    return table, features
