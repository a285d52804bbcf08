"""Funds and their statement: on the page, as CSV and as XLSX."""

import csv
import io
import re
from copy import deepcopy
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from openpyxl import load_workbook

from accounts.spreadsheets import Cell, neutralize, stream_csv, write_xlsx
from billing.enums import Edition
from billing.grants.credits import record_credit
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from billing.wallet import statements
from billing.wallet import views as wallet_views
from billing.wallet.months import list_months
from billing.wallet.statements import (
    StatementFilter,
    StatementKeys,
    read_statement_rows,
    stream_rows,
)
from tests.factories import (
    NOW,
    Customer,
    buy,
    current_package,
    fund_account,
    make_application,
    make_coupon,
    make_customer,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

#: The statement below, oldest first: kind, cash, income, gift, coupon.
ROWS = [
    ("Credit", "400.00", "0.00", "0.00", "0.00"),
    ("Credit", "0.00", "30.00", "0.00", "0.00"),
    ("Credit", "0.00", "0.00", "20.00", "0.00"),
    ("Payment of an order", "-120.00", "-30.00", "-20.00", "-40.00"),
    ("Payment of an order", "0.00", "0.00", "0.00", "-120.00"),
    ("Refund", "120.00", "30.00", "20.00", "0.00"),
]


@pytest.fixture(scope="module")
def made(module_transaction: None) -> Customer:
    """Money in February; in March an order with a coupon, one by a coupon alone, a refund."""
    customer = make_customer(now=NOW - timedelta(days=20))
    for number, (kind, amount) in enumerate([("cash", 400), ("income", 30), ("gift", 20)]):
        fund_account(
            customer.account, **{kind: str(amount)}, now=NOW - timedelta(days=20, hours=-number)
        )
    part = make_coupon(customer.account, amount=Decimal(40))
    whole = make_coupon(customer.account, amount=Decimal(120))
    later = NOW - timedelta(hours=1)
    buy(customer.application, Edition.PREMIUM, coupon=part.pk, now=later - timedelta(hours=1))
    buy(make_application(customer.account), coupon=whole.pk, now=later)
    package = current_package(customer.application)
    token = quote_refund(package=package, now=NOW).token
    refund_package(package=package, token=token, by=customer.owner, now=NOW)
    return customer


@pytest.fixture
def customer(made: Customer) -> Customer:
    return deepcopy(made)


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def read_csv(client: Client, customer: Customer, query: str = "") -> list[list[str]]:
    answer = client.get(f"/console/{customer.account.uin}/funds/statement.csv?{query}")
    body = b"".join(answer).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(body)))


def moved(rows: list[list[str]]) -> list[tuple[str, ...]]:
    return [(row[1], *row[4:8]) for row in rows[1:]]


def test_the_csv_tells_every_movement(client: Client, customer: Customer) -> None:
    rows = read_csv(client, customer)

    assert rows[0] == [
        "When",
        "Kind",
        "Number",
        "Other account",
        "Cash",
        "Income",
        "Gift",
        "Coupon",
        "Currency",
    ]
    assert moved(rows) == ROWS
    assert rows[1][0] == "2026-02-18T10:00:00+08:00"


def test_the_xlsx_tells_the_same_in_numbers(client: Client, customer: Customer) -> None:
    answer = client.get(f"/console/{customer.account.uin}/funds/statement.xlsx")

    sheet = load_workbook(io.BytesIO(b"".join(answer))).active
    assert sheet is not None
    cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [(row[1], *(f"{amount:.2f}" for amount in row[4:8])) for row in cells] == ROWS


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_no_row_is_lost_or_doubled_between_batches(
    monkeypatch: pytest.MonkeyPatch, customer: Customer, batch: int
) -> None:
    monkeypatch.setattr(statements, "_BATCH", batch)

    rows = list(stream_rows(customer.account, StatementFilter()))

    assert [str(row.kind.label) for row in rows] == [row[0] for row in ROWS]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("kind=credit", [0, 1, 2]),
        ("kind=payment", [3, 4]),
        ("kind=refund", [5]),
        ("fund=cash", [0, 3, 5]),
        ("fund=gift", [2, 3, 5]),
        ("fund=coupon", [3, 4]),
        ("fund=income&kind=credit", [1]),
        ("since=2026-03-10", [3, 4, 5]),
        ("until=2026-02-18", [0, 1, 2]),
        ("since=2026-02-19&until=2026-03-09", []),
    ],
)
def test_a_statement_is_narrowed(
    client: Client, customer: Customer, query: str, places: list[int]
) -> None:
    assert moved(read_csv(client, customer, query)) == [ROWS[place] for place in places]


def test_the_page_lists_the_newest_first(client: Client, customer: Customer) -> None:
    html = client.get(f"/console/{customer.account.uin}/funds/statement/").content.decode()

    kinds = re.findall(r'<th scope="row">(Credit|Payment of an order|Refund)', html)
    assert kinds == [row[0] for row in reversed(ROWS)]


def test_months_tell_what_moved_and_what_was_left(customer: Customer) -> None:
    months = list_months(customer.account)

    assert [
        (month.starts_on.month, [tuple(map(str, cell[1:])) for cell in month.cells])
        for month in months
    ] == [
        (3, [("0.00", "400.00"), ("0.00", "30.00"), ("0.00", "20.00")]),
        (2, [("400.00", "400.00"), ("30.00", "30.00"), ("20.00", "20.00")]),
    ]


def test_the_statement_ends_with_what_is_left(client: Client, customer: Customer) -> None:
    html = client.get(f"/console/{customer.account.uin}/funds/statement/").content.decode()

    foot = html[html.index("<tfoot>") : html.index("</tfoot>")]
    assert re.findall(r"USD\u00a0([0-9.]+)", foot) == ["450.00", "400.00", "30.00", "20.00"]


def test_months_have_a_page_of_their_own_twelve_at_a_time(
    client: Client, customer: Customer
) -> None:
    url = f"/console/{customer.account.uin}/funds/months/"
    html = client.get(url).content.decode()
    assert re.findall(r'<th scope="row">(\w+ \d+)', html) == ["March 2026", "February 2026"]
    assert html.index("0.00<small>balance") < html.index("400.00<small>balance")

    for ago in range(1, 14):
        fund_account(customer.account, cash="1", now=NOW - timedelta(days=31 * ago))
    pages = [client.get(url, {"page": page}).context["page"] for page in (1, 2)]
    assert [len(page.object_list) for page in pages] == [12, 2]


def test_a_month_is_one_of_the_billing_zone(customer: Customer) -> None:
    """23:30 on 31 March in Shanghai is still March, and half an hour later it is April."""
    before = NOW.replace(month=3, day=31, hour=15, minute=30)
    fund_account(customer.account, cash="7", now=before)
    fund_account(customer.account, cash="9", now=before + timedelta(minutes=30))

    newest = list_months(customer.account)[:2]

    assert [(month.starts_on.month, str(month.changes["cash"])) for month in newest] == [
        (4, "9.00"),
        (3, "7.00"),
    ]


def test_a_faulty_filter_exports_nothing(client: Client, customer: Customer) -> None:
    base = f"/console/{customer.account.uin}/funds/statement"

    answer = client.get(f"{base}.csv?since=yesterday")

    assert answer["Location"] == f"{base}/?since=yesterday"


def test_the_statement_of_one_account_tells_nothing_of_another(customer: Customer) -> None:
    other = make_customer(cash="77")

    amounts = [str(row.amounts["cash"]) for row in stream_rows(other.account, StatementFilter())]

    assert amounts == ["77.00"]


def test_balances_are_those_of_the_funds(client: Client, customer: Customer) -> None:
    html = client.get(f"/console/{customer.account.uin}/funds/").content.decode()

    shown = re.findall(r"<dt>(\w+)</dt><dd>USD\u00a0([0-9.]+)</dd>", html)
    assert shown == [
        ("Gift", "20.00"),
        ("Income", "30.00"),
        ("Cash", "400.00"),
        ("Total", "450.00"),
    ]


# --- Cells that would calculate --------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "''=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_neutralized(text: str) -> None:
    assert neutralize(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "TOP-1", "a=b", "1-2", "it's", "'quoted'"])
def test_plain_text_stays(text: str) -> None:
    assert neutralize(text) == text


def test_amounts_stay_numbers_and_texts_never_calculate() -> None:
    row: list[Cell] = ["=cmd()", Decimal("-12.50")]

    plain = "".join(stream_csv([row]))
    sheet = load_workbook(write_xlsx([row], title="T")).active

    assert plain == "\ufeff'=cmd(),-12.50\r\n"
    assert sheet is not None
    assert [(cell.value, cell.data_type) for cell in sheet[1]] == [("=cmd()", "s"), (-12.5, "n")]


def test_a_reference_that_is_a_formula_is_neutralized_in_the_export() -> None:
    customer = make_customer()
    record_credit(
        account=customer.account,
        fund_kind="cash",
        amount=Decimal(1),
        currency="USD",
        reference="=HYPERLINK(A1)",
        by=None,
        now=NOW,
    )
    client = Client()
    client.force_login(customer.owner)

    assert read_csv(client, customer)[1][2] == "'=HYPERLINK(A1)"


def test_pages_of_a_statement_are_its_rows_the_newest_first(customer: Customer) -> None:
    chosen = StatementFilter()
    rows = list(stream_rows(customer.account, chosen))[::-1]
    keys = StatementKeys(customer.account, chosen)
    pages = [keys[start : start + 2] for start in range(0, len(rows), 2)]
    assert [row for page in pages for row in read_statement_rows(customer.account, page)] == rows
    assert [keys.count_to(limit) for limit in (1, len(rows), 100)] == [1, len(rows), len(rows)]


def test_a_long_statement_is_counted_and_paged_so_far_alone(
    customer: Customer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/console/{customer.account.uin}/funds/statement/"
    count = StatementKeys(customer.account, StatementFilter()).count_to(100)
    for limit, words in (
        (count, f"{count} entries"),
        (count - 1, f"More than {count - 1} entries"),
    ):
        monkeypatch.setattr(wallet_views, "_STATEMENT_LIMIT", limit)
        assert words in client.get(url).content.decode()
    monkeypatch.setattr(wallet_views, "_STATEMENT_LIMIT", 1)
    page = client.get(url, {"page": "2"}).context["page"]
    assert (page.number, len(page.object_list)) == (1, 1)
