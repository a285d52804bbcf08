"""Reading the current catalog."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from django.db.models import QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.prepared import PreparedQuery
from billing.catalog.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.catalog.pricing import ItemPrice, PackagePrice, PriceList
from billing.enums import Edition, ItemKind, LicenseKind


@PreparedQuery
def _find_items(at: datetime) -> "QuerySet[PriceItem]":
    """Return the prices of the current book at `at`."""
    book = _books_in_force(at).values("pk")[:1]
    return PriceItem.objects.select_related("book").filter(book=Subquery(book))


def _books_in_force(at: datetime) -> "QuerySet[PriceBook]":
    return PriceBook.objects.in_force(at).filter(withdrawal=None)


def find_price_book(at: datetime) -> PriceBook:
    """Return the current price book at `at`. Raises Refused where none is published."""
    book = _books_in_force(at).first()
    if book is None:
        raise Refused(
            _("There is no current price book, so nothing can be priced."), code="no_prices"
        )
    return book


def list_currencies() -> list[tuple[str, str]]:
    """Return the currencies of all price books, as choices of a form."""
    found = PriceBook.objects.order_by("currency").values_list("currency", flat=True).distinct()
    return [(currency, currency) for currency in found]


def find_prices(at: datetime) -> tuple[PriceBook, PriceList]:
    """Return the current price book at `at` with its prices; one query where there is one."""
    items = _find_items(at)
    book = items[0].book if items else find_price_book(at)
    return book, _price_list(book, items)


def read_price_list(book: PriceBook) -> PriceList:
    """Return a price book as the frozen facts that `billing.catalog.pricing` computes with."""
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
            (Edition(item.edition), LicenseKind(item.item)): ItemPrice(
                monthly=item.monthly, annual=item.annual
            )
            for item in items
            if item.item != ItemKind.PACKAGE
        },
    )


def find_feature_table(at: datetime) -> tuple[Feature, ...]:
    """Return the rows of the edition comparison in effect at `at`, in order; none before any."""
    newest = FeatureTable.objects.in_force(at).values_list("pk", flat=True).first()
    return _features(newest) if newest else ()


@lru_cache(maxsize=8)
def _features(table_id: int) -> tuple[Feature, ...]:
    # The database lets no one change or delete a published row, so what was read once stays true.
    return tuple(Feature.objects.filter(table_id=table_id).order_by("position"))
