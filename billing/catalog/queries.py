"""Reading the catalog in force."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from django.utils.translation import gettext as _

from accounts.errors import Refused
from billing.catalog.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.catalog.pricing import ItemPrice, PackagePrice, PriceList
from billing.enums import Edition, ItemKind, LicenseKind
from billing.model_queries import Rows

_PRICES = Rows(
    """
    SELECT {i}, {b} FROM billing_priceitem i JOIN billing_pricebook b ON b.id = i.book_id
    WHERE i.book_id = (
        SELECT p.id FROM billing_pricebook p WHERE p.effective_at <= %s AND NOT EXISTS (
            SELECT FROM billing_pricebookwithdrawal w WHERE w.book_id = p.id
        )
        ORDER BY p.effective_at DESC, p.version DESC LIMIT 1
    )
    """,
    i=PriceItem,
    b=PriceBook,
)


def find_price_book(at: datetime) -> PriceBook:
    """Return the price book in force at `at`. Raises Refused where none is published."""
    book = (
        PriceBook.objects.filter(effective_at__lte=at, withdrawal=None)
        .order_by("-effective_at", "-version")
        .first()
    )
    if book is None:
        raise Refused(_("No price book is in force, so nothing can be priced."), code="no_prices")
    return book


def list_currencies() -> list[tuple[str, str]]:
    """Return the currencies of all price books, as choices of a form."""
    found = PriceBook.objects.order_by("currency").values_list("currency", flat=True).distinct()
    return [(currency, currency) for currency in found]


def find_prices(at: datetime) -> tuple[PriceBook, PriceList]:
    """Return the price book in force at `at` with its prices; one query where there is one."""
    rows = _PRICES(at)
    book: PriceBook = rows[0][1] if rows else find_price_book(at)
    return book, _price_list(book, [item for item, _book in rows])


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
    """Return the rows of the edition comparison in force at `at`, in order; none before any."""
    newest = FeatureTable.objects.in_force(at).values_list("pk", flat=True).first()
    return _features(newest) if newest else ()


@lru_cache(maxsize=8)
def _features(table_id: int) -> tuple[Feature, ...]:
    # The database lets nobody change or delete a published row, so what was read once stays true.
    return tuple(Feature.objects.filter(table_id=table_id).order_by("position"))
