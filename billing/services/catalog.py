"""Reading the catalog in force, and publishing new versions of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from accounts.services.audit import record_event
from billing.enums import Edition, ItemKind, LicenceKind, TermUnit
from billing.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.periods import months_in
from billing.pricing import ItemPrice, PackagePrice, PriceList
from billing.rows import Rows

_PRICES = Rows(
    """
    SELECT {i}, {b} FROM billing_priceitem i JOIN billing_pricebook b ON b.id = i.book_id
    WHERE i.book_id = (
        SELECT id FROM billing_pricebook WHERE effective_at <= %s
        ORDER BY effective_at DESC, version DESC LIMIT 1
    )
    """,
    i=PriceItem,
    b=PriceBook,
)


def find_price_book(at: datetime) -> PriceBook:
    """Return the price book in force at `at`. Raises Refused where none is published."""
    book = (
        PriceBook.objects.filter(effective_at__lte=at).order_by("-effective_at", "-version").first()
    )
    if book is None:
        raise Refused(_("No price book is in force, so nothing can be priced."), code="no_prices")
    return book


def find_prices(at: datetime) -> tuple[PriceBook, PriceList]:
    """Return the price book in force at `at` with its prices; one query where there is one."""
    rows = _PRICES(at)
    book: PriceBook = rows[0][1] if rows else find_price_book(at)
    return book, _price_list(book, [item for item, _book in rows])


def read_price_list(book: PriceBook) -> PriceList:
    """Return a price book as the frozen facts that `billing.pricing` computes with."""
    return _price_list(book, list(book.items.all()))


def _price_list(book: PriceBook, items: Sequence[PriceItem]) -> PriceList:
    return PriceList(
        version=book.version,
        currency=book.currency,
        packages={
            Edition(item.edition): PackagePrice(
                monthly=item.monthly,
                annual=item.annual,
                agents=item.included_agents,
                sip=item.included_sip,
            )
            for item in items
            if item.item == ItemKind.PACKAGE
        },
        additional={
            (Edition(item.edition), LicenceKind(item.item)): ItemPrice(
                monthly=item.monthly, annual=item.annual
            )
            for item in items
            if item.item != ItemKind.PACKAGE
        },
    )


def find_feature_table(at: datetime) -> tuple[Feature, ...]:
    """Return the rows of the edition comparison in force at `at`, in order; none before any."""
    newest = FeatureTable.objects.in_force(at).values_list("pk", flat=True).first()
    return _features(newest) if newest else ()


@lru_cache(maxsize=8)
def _features(table_id: int) -> tuple[Feature, ...]:
    # The database lets nobody change or delete a published row, so what was read once stays true.
    return tuple(Feature.objects.filter(table_id=table_id).order_by("position"))


@dataclass(frozen=True)
class Publication:
    """What publishing would write, or wrote: a version number and its rows, one per line."""

    kind: str
    version: int
    rows: tuple[str, ...]


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    """Return an exact amount with at most 2 decimals above zero; floats are refused."""
    value = row.get(name)
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite() or amount <= 0 or amount.as_tuple().exponent < -2:  # type: ignore[operator]
        raise Refused(
            _('“%(name)s” must be an amount in quotes with at most 2 decimals, such as "40.00".')
            % {"name": name},
            code="bad_amount",
        )
    return amount


def _count(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        raise Refused(_("“%(name)s” must be a whole number.") % {"name": name}, code="bad_count")
    return value


def _check_price_rows(data: Mapping[str, Any]) -> list[PriceItem]:
    rows = [{**row, "item": ItemKind.PACKAGE} for row in data["packages"]] + list(
        data["additional"]
    )
    items = [
        PriceItem(
            edition=Edition(row["edition"]),
            item=ItemKind(row["item"]),
            monthly=_amount(row, "monthly"),
            annual=_amount(row, "annual"),
            included_agents=_count(row, "included_agents"),
            included_sip=_count(row, "included_sip"),
        )
        for row in rows
    ]
    wanted = {(edition, item) for edition in Edition for item in ItemKind}
    if {(item.edition, item.item) for item in items} != wanted or len(items) != len(wanted):
        raise Refused(
            _("A price book prices every item of both editions, each once."), code="incomplete"
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
        )


def _next_version(model: type[PriceBook] | type[FeatureTable]) -> int:
    newest = model.objects.order_by("-version").values_list("version", flat=True).first()
    return (newest or 0) + 1


def _explain_bad_data(error: KeyError | ValueError | TypeError) -> Refused:
    return Refused(
        _("The file does not have the expected form: %(error)s.") % {"error": repr(error)[:200]},
        code="bad_form",
    )


@transaction.atomic
def publish_price_book(
    *, data: Mapping[str, Any], effective_at: datetime, by: User | None, now: datetime
) -> PriceBook:
    """Publish a new price book; quotes made before `effective_at` keep the one they had.

    `data` has the form of `billing/data/price_book.json`. Raises Refused where it does not, or
    where `effective_at` lies in the past: prices are never changed after the fact.
    """
    if effective_at < now:
        raise Refused(
            _("A price book takes effect now or later."), code="in_the_past", field="effective_at"
        )
    try:
        items = _check_price_rows(data)
        book = PriceBook(
            version=_next_version(PriceBook),
            effective_at=effective_at,
            published_at=now,
            published_by=by,
            note=str(data.get("note", ""))[:200],
            currency=str(data["currency"]),
            trial_edition=Edition(data["trial"]["edition"]),
            trial_agents=_count(data["trial"], "agents"),
            trial_days=_count(data["trial"], "days"),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise _explain_bad_data(error) from error
    book.save(force_insert=True)
    for item in items:
        item.book = book
    PriceItem.objects.bulk_create(items)
    record_event(account=None, verb="price_book.published", target=book, by=by, now=now)
    return book


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


@transaction.atomic
def publish_feature_table(
    *, data: Mapping[str, Any], effective_at: datetime, by: User | None, now: datetime
) -> FeatureTable:
    """Publish a new comparison, in the form of `billing/data/feature_table.json`."""
    try:
        groups: Sequence[Mapping[str, Any]] = data["groups"]
        pairs = [(group, row) for group in groups for row in group["features"]]
        features = [
            _feature(group, position, row) for position, (group, row) in enumerate(pairs, start=1)
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise _explain_bad_data(error) from error
    if not features or len({feature.key for feature in features}) != len(features):
        raise Refused(_("A feature table has rows, and each key once."), code="incomplete")
    table = FeatureTable.objects.create(
        version=_next_version(FeatureTable),
        effective_at=effective_at,
        published_at=now,
        published_by=by,
        note=str(data.get("note", ""))[:200],
    )
    for feature in features:
        feature.table = table
    Feature.objects.bulk_create(features)
    record_event(account=None, verb="feature_table.published", target=table, by=by, now=now)
    return table
