"""What comes out of the printer: receipts, statements and case files on paper."""

from collections.abc import Callable
from io import BytesIO

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page
from pypdf import PdfReader
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, Application, User
from billing.models import Fund, Order
from compliance.models import Violation
from tests.pages import client_of, prepare

pytestmark = pytest.mark.django_db(transaction=True)

A4_POINTS = (595.3, 841.9)
#: What a person only needs on a screen.
ON_SCREEN_ONLY = ("Sign out", "Audit trail", "Editions compared", "Skip to main content", "Filter")


@pytest.fixture
def paper(context: BrowserContext, live_server: LiveServer) -> Callable[[str, str], list[str]]:
    """Print a page as this person; return the text of each sheet of A4."""
    prepare()

    def printed(email: str, url: str) -> list[str]:
        value = client_of(email).cookies[settings.SESSION_COOKIE_NAME].value
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
        page: Page = context.new_page()
        page.goto(url)
        content = page.pdf(format="A4")
        reader = PdfReader(BytesIO(content))
        width, height = (float(edge) for edge in reader.pages[0].mediabox[2:])
        assert (width, height) == pytest.approx(A4_POINTS, abs=1.5)
        return [" ".join(sheet.extract_text().split()) for sheet in reader.pages]

    return printed


def money(amount: object) -> str:
    return f"USD {amount:,.2f}"


def test_a_receipt_has_everything_on_its_first_page(
    paper: Callable[[str, str], list[str]],
) -> None:
    order = Order.objects.filter(status="paid", payments__kind="gift").latest("pk")
    owner = order.account.memberships.get(role="owner").user

    sheets = paper(owner.email, f"/console/{order.account.uin}/orders/{order.number}/receipt/")

    assert len(sheets) == 1
    sheet = sheets[0]
    wanted = [
        order.account.entity.name,
        order.account.uin,
        order.number,
        f"{order.paid_at:%Y}",
        *(line.application.name for line in order.lines.select_related("application")),
        *(money(line.amount) for line in order.lines.all()),
        money(order.total),
        *(money(payment.amount) for payment in order.payments.all()),
        *(payment.get_kind_display() for payment in order.payments.all()),
    ]
    assert [text for text in wanted if text not in sheet] == []
    assert [text for text in ON_SCREEN_ONLY if text in sheet] == []


def test_a_statement_has_party_lines_and_balances_on_its_first_page(
    paper: Callable[[str, str], list[str]],
) -> None:
    account = Account.objects.get(name="Harbour Logistics")
    owner = account.memberships.get(role="owner").user

    sheet = paper(owner.email, f"/console/{account.uin}/funds/statement/")[0]

    paid = Order.objects.filter(account=account, status="paid")
    wanted = [
        account.uin,
        account.entity.name,
        *(order.number for order in paid),
        *("Cash", "Income", "Gift", "Coupon", "Balance now"),
        *map(money, Fund.objects.filter(account=account).values_list("balance", flat=True)),
    ]
    assert [text for text in wanted if text not in sheet] == []
    assert [text for text in ON_SCREEN_ONLY if text in sheet] == []


def test_the_agents_print_without_what_chooses_them(
    paper: Callable[[str, str], list[str]], context: BrowserContext
) -> None:
    application = Application.objects.get(name="Sales hotline")
    owner = application.account.memberships.get(role="owner").user
    url = f"/console/{application.account.uin}/applications/{application.sdkappid}/agents/"

    sheet = " ".join(paper(owner.email, url))

    wanted = application.agents.values_list("name", flat=True)
    assert [text for text in wanted if text not in sheet] == []
    unwanted = (*ON_SCREEN_ONLY, "None selected", "All 14 agents", "Assign licenses", "Export")
    assert [text for text in unwanted if text in sheet] == []
    page = context.pages[0]
    page.emulate_media(media="print")
    assert page.locator("input[type=checkbox]:visible").count() == 0


def test_a_case_file_prints_the_case_and_no_buttons(
    paper: Callable[[str, str], list[str]],
) -> None:
    case = Violation.objects.filter(state="actioned").earliest("pk")
    owner = User.objects.get(memberships__account=case.account, memberships__role="owner")

    sheet = paper(owner.email, f"/console/{case.account.uin}/violations/{case.number}/")[0]

    wanted = [case.number, case.summary, case.decision]
    assert [text for text in wanted if " ".join(text.split()) not in sheet] == []
    assert [text for text in (*ON_SCREEN_ONLY, "Appeal this") if text in sheet] == []
