"""`import_catalog` publishes price books, feature tables and rule books from files."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command

from billing.catalog.queries import find_prices
from billing.models import FeatureTable, PriceBook
from compliance.models import RuleBook
from tests.factories import NOW

pytestmark = pytest.mark.django_db

FILES = {
    "price-book": settings.BASE_DIR / "billing/data/price_book.json",
    "feature-table": settings.BASE_DIR / "billing/data/feature_table.json",
    "rule-book": settings.BASE_DIR / "compliance/data/guidelines.json",
}
MODELS = {"price-book": PriceBook, "feature-table": FeatureTable, "rule-book": RuleBook}


def run(*arguments: object) -> str:
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("import_catalog", *map(str, arguments), stdout=out)
    return out.getvalue()


def versions() -> dict[str, int]:
    return {kind: model._default_manager.count() for kind, model in MODELS.items()}


@pytest.mark.parametrize(("kind", "rows"), [("price-book", 6), ("feature-table", 43)])
def test_a_file_is_published_as_what_it_holds(kind: str, rows: int) -> None:
    before = versions()

    out = run(FILES[kind])

    assert versions() == before | {kind: before[kind] + 1}
    assert f"{rows} rows, effective from 2026-03-10T02:00:00+00:00." in out


def test_a_rule_book_goes_to_compliance() -> None:
    run(FILES["rule-book"])

    newest = RuleBook.objects.latest("version")
    assert (newest.version, newest.behaviours.count()) == (2, 7)


@pytest.mark.parametrize("kind", MODELS)
def test_a_dry_run_shows_the_rows_and_writes_nothing(kind: str) -> None:
    before = versions()

    out = run(FILES[kind], "--dry-run")

    assert "Would publish" in out
    assert len(out.splitlines()) > 6
    assert versions() == before


def changed_prices(tmp_path: Path, **changes: Any) -> Path:
    data = json.loads(FILES["price-book"].read_text())
    data["packages"][0] |= changes
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(data))
    return file


def test_new_prices_hold_from_their_time(tmp_path: Path) -> None:
    run(
        changed_prices(tmp_path, monthly="99.00", annual="1188.00"),
        "--effective-at",
        "2026-04-01T00:00:00",
    )

    # Without a zone it is the billing zone's.
    start = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    prices = [find_prices(at)[1].packages for at in (start - timedelta(seconds=1), start)]
    assert [price[next(iter(price))].monthly for price in prices] == [
        Decimal("120.00"),
        Decimal("99.00"),
    ]


BAD_FILES = {
    "no JSON": "{",
    "no object": "[1, 2]",
    "not known": '{"things": []}',
    "of two kinds": '{"packages": [], "groups": []}',
    "an empty price book": '{"packages": []}',
    "nested without end": "[" * 100_000,
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_publishes_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)
    before = versions()

    with pytest.raises(CommandError):
        run(file)

    assert versions() == before


@pytest.mark.parametrize("monthly", ["-1", "0", "NaN", "1.001", 120.0])
def test_a_bad_price_publishes_nothing(tmp_path: Path, monthly: object) -> None:
    with pytest.raises(CommandError):
        run(changed_prices(tmp_path, monthly=monthly))

    assert PriceBook.objects.count() == 1


@pytest.mark.parametrize("annual", ["1439.99", "1440.01", "1200.00"])
def test_an_annual_price_other_than_twelve_months_publishes_nothing(
    tmp_path: Path, annual: str
) -> None:
    with pytest.raises(CommandError) as refused:
        run(changed_prices(tmp_path, annual=annual))

    shown = f"{Decimal(annual):,}"
    assert f"Essential, Agent package has {shown} a year and 120.00 a month" in str(refused.value)
    assert "which makes 1,440.00" in str(refused.value)
    assert PriceBook.objects.count() == 1


@pytest.mark.parametrize("at", ["2026-03-09T00:00:00Z", "yesterday", "2026-13-01T00:00:00"])
def test_a_bad_time_publishes_nothing(at: str) -> None:
    with pytest.raises(CommandError):
        run(FILES["price-book"], "--effective-at", at)

    assert PriceBook.objects.count() == 1


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(tmp_path / "nowhere.json")
