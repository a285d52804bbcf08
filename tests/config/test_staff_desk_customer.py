"""The account's page in the administration: a whole customer, as far as the reader may see."""

import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.models import Account, AuditEvent, Membership, Notification, User
from accounts.services.members import add_member
from accounts.services.notifications import News, notify_members
from accounts.services.restrictions import lift_restriction
from agents.services.agents import AgentDetails, add_agent
from billing.enums import CouponKind, RefundStatus
from billing.models import Refund
from billing.refunds.decisions import approve_refund
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from compliance.enums import CaseState, ViolationMeasure
from config.staff.customer import TABLES, read_customer
from config.staff.sections import DeskSection
from config.staff.work import change_url
from tests import factories
from tests.factories import DAY, NOW, make_clerk, make_staff, signed_in
from tests.queries import FRAME

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
NAMES = {table.name: table for table in TABLES}


def make_viewer(*models: str) -> User:
    """A member of staff who may see the rows of these models."""
    return make_clerk(*(model.replace(".", ".view_") for model in models))


def sections(account: Account, user: User | None = None) -> dict[str, DeskSection]:
    account = Account.objects.select_related("entity").get(pk=account.pk)
    found = read_customer(account=account, user=user or make_staff(), now=NOW)
    return {section.name: section for section in found.sections}


def plain(cell: Any) -> str:
    """What one reads of a cell, its parts apart by one blank."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", str(cell))).split())


def table(account: Account, name: str, user: User | None = None) -> list[list[str]]:
    return [[plain(cell) for _head, cell in row] for row in sections(account, user)[name].rows]


def make_whole_customer() -> factories.Customer:
    """A customer with something in every section, all through the services."""
    customer = factories.make_customer(cash="1000", gift="20", now=NOW - 9 * DAY)
    owner, account, application = customer.owner, customer.account, customer.application
    factories.buy(application, agents=1, by=owner, now=NOW - DAY)
    factories.make_coupon(account, code=f"SPRING-{account.pk}", now=NOW - DAY)
    add_agent(
        application=application,
        details=AgentDetails(name="Ann Lee", nickname="Ann", staff_number="7", email="a@b.cn"),
        with_license=True,
        by=owner,
        now=NOW - DAY,
    )
    factories.make_case(
        customer, CaseState.APPEALED, behaviour=6, measure=ViolationMeasure.WARN, now=NOW - DAY
    )
    factories.make_connection_request(customer, now=NOW - DAY)
    package = factories.current_package(application)
    quote = quote_refund(package=package, now=NOW)
    refund_package(package=package, token=quote.token, by=owner, now=NOW)
    measure = factories.restrict(account, now=NOW - 5 * DAY)
    lift_restriction(
        account=account,
        case_number=measure.case_number,
        reason="Settled",
        by=None,
        now=NOW - 4 * DAY,
    )
    return customer


def test_every_section_has_something_to_show() -> None:
    customer = make_whole_customer()

    found = sections(customer.account)

    assert list(found) == [
        "measures",
        "members",
        "applications",
        "packages",
        "agents",
        "funds",
        "coupons",
        "orders",
        "refunds",
        "violations",
        "appeals",
        "connections",
        "notifications",
        "audit",
    ]
    assert [name for name, section in found.items() if not section.rows] == []
    page = signed_in(make_staff()).get(change_url(customer.account)).content.decode()
    assert customer.account.entity.registration_number in page
    assert change_url(customer.account.entity) in page
    for name, section in found.items():
        assert f'id="{name}"' in page
        for row in section.rows:
            assert str(row[0][1]) in page, name


def test_cells_tell_what_there_is() -> None:
    customer = make_whole_customer()
    account, application, owner = customer.account, customer.application, customer.owner
    refund = Refund.objects.get()
    case = account.violations.get()
    day = "9 Mar 2026, 10:00 UTC+8"

    assert table(account, "members") == [[owner.email, "", "Owner", "1 Mar 2026, 10:00 UTC+8"]]
    assert table(account, "applications") == [
        [application.name, str(application.sdkappid), "1 Mar 2026, 10:00 UTC+8"]
    ]
    assert [row[:3] for row in table(account, "packages")] == [
        [application.name, "Essential", "Active"],
    ]
    assert [row[:3] + row[4:] for row in table(account, "agents")] == [
        ["Ann Lee", "7", application.name, "In service"]
    ]
    assert table(account, "funds") == [["Gift", "USD 0.00"], ["Cash", "USD 860.00"]]
    assert [row[:3] for row in table(account, "coupons")] == [
        [f"SPRING-{account.pk}", "Voucher", "USD 50.00"]
    ]
    assert [row[0] for row in table(account, "orders")] == [
        order.number for order in account.orders.order_by("-pk")
    ]
    assert table(account, "refunds")[0][:2] == [refund.number, "Under review"]
    assert table(account, "violations") == [
        [case.number, case.behaviour_name, "Violation", "Appealed", "Warning", day]
    ]
    assert table(account, "appeals") == [[f"{case.number}/1", "Waiting for a decision", day]]
    assert table(account, "connections")[0][3] == "Under review"
    assert table(account, "audit")[0][1:] == [
        "System",
        "6 Mar 2026, 10:00 UTC+8",
        "Settled",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_section_is_there_only_for_who_may_view_its_table(name: str) -> None:
    customer = make_whole_customer()
    others = {each.model for each in TABLES if each.name != name}

    with_it = signed_in(make_viewer("accounts.account", NAMES[name].model))
    without = signed_in(make_viewer("accounts.account", "accounts.entity", *others))

    page = with_it.get(change_url(customer.account)).content.decode()
    assert re.findall(r'customer-section" id="(\w+)"', page) == [name]
    page = without.get(change_url(customer.account)).content.decode()
    assert name not in re.findall(r'customer-section" id="(\w+)"', page)
    assert len(re.findall(r'customer-section" id="(\w+)"', page)) == len(TABLES) - 1


@pytest.mark.parametrize("name", NAMES)
def test_the_way_to_all_rows_leads_to_the_account_alone(name: str) -> None:
    customer, _other = make_whole_customer(), make_whole_customer()
    root = make_staff()
    found = sections(customer.account, root)[name]

    listed = signed_in(root).get(found.url).context["cl"].result_list

    assert len(listed) >= len(found.rows)
    assert {row.account_id for row in listed} == {customer.account.pk}


def test_names_are_no_links_where_the_page_behind_is_closed() -> None:
    customer = factories.make_customer()
    clerk = make_viewer("accounts.account")

    page = signed_in(clerk).get(change_url(customer.account)).content.decode()

    assert customer.account.entity.name in page
    assert change_url(customer.account.entity) not in page


def test_what_customers_wrote_is_text() -> None:
    customer = factories.make_customer()
    User.objects.filter(pk=customer.owner.pk).update(name="<script>alert(1)</script>")

    page = signed_in(make_staff()).get(change_url(customer.account)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


# --- The entity's one refund, and its other accounts -------------------------------------------


def notes(account: Account, name: str) -> list[str]:
    return [str(note.text) for note in sections(account)[name].notes]


def test_the_one_refund_of_the_entity_is_told_of_in_all_its_accounts() -> None:
    entity = factories.make_entity()
    first = factories.make_customer(entity=entity, cash="1000", now=NOW - DAY)
    second = factories.make_account(entity=entity, now=NOW)
    unused = ["The company has not used its one full refund."]
    assert (notes(first.account, "refunds"), notes(second, "refunds")) == (unused, unused)

    factories.buy(first.application, by=first.owner, now=NOW - DAY)
    factories.make_case(first, behaviour=6, measure=ViolationMeasure.WARN, now=NOW - DAY)
    package = factories.current_package(first.application)
    quote = quote_refund(package=package, now=NOW)
    refund = refund_package(package=package, token=quote.token, by=first.owner, now=NOW)
    assert refund.status == RefundStatus.PENDING
    asked = f"has been requested by {refund.number} of {first.account}."
    assert notes(second, "refunds") == [f"The company's one full refund {asked}"]

    approve_refund(refund=refund, reason="Fair", by=make_staff(), now=NOW)
    used = f"was used by {refund.number} of {first.account}."
    assert notes(second, "refunds") == [f"The company's one full refund {used}"]
    page = signed_in(make_staff()).get(change_url(second)).content.decode()
    assert change_url(first.account) in page


# --- Packages as they are now, licenses ----------------------------------------------------------


def test_a_package_is_shown_as_it_is_whatever_a_sweep_has_recorded() -> None:
    customer = factories.make_customer(cash="1000", now=NOW - 40 * DAY)
    factories.buy(customer.application, now=NOW - 33 * DAY)
    package = factories.current_package(customer.application)
    assert (package.state, package.expires_at < NOW) == ("active", True)

    assert table(customer.account, "packages")[0][2] == "Isolated"


def test_licenses_held_and_free_are_counted() -> None:
    customer = factories.make_customer(trial=False)
    package = factories.make_package(customer.application, agents=3, sip=1)
    factories.make_agent(customer.application, license=factories.licenses_of(package)[0])

    assert notes(customer.account, "packages") == [
        "Agent licenses: 1 of 3 used.",
        "SIP licenses: 0 of 1 used.",
    ]


@pytest.mark.parametrize(
    ("kind", "terms", "text"),
    [
        (CouponKind.DISCOUNT, {"percent_off": Decimal("10.00")}, "10% off"),
        (CouponKind.DISCOUNT, {"percent_off": Decimal("12.50")}, "12.5% off"),
        (CouponKind.CASH, {"amount": Decimal(25)}, "USD\u00a025.00"),
    ],
    ids=["ten percent", "a broken percent", "cash"],
)
def test_a_coupons_worth_is_told(kind: CouponKind, terms: dict[str, Any], text: str) -> None:
    account = factories.make_account()
    factories.make_coupon(account, kind, **terms)

    assert str(sections(account)["coupons"].rows[0][2][1]) == text


# --- Length ---------------------------------------------------------------------------------


def _more(customer: factories.Customer, number: int) -> None:
    """More rows of what a customer can have much of."""
    for _number in range(number):
        factories.make_coupon(customer.account, now=NOW)
        member = factories.make_user()
        add_member(account=customer.account, user=member, role=Role.VIEWER, by=None, now=NOW)
        factories.make_agent(customer.application)
        factories.make_account(entity=customer.account.entity, owner=customer.owner, now=NOW)
    readers = [place.user for place in Membership.objects.filter(account=customer.account)]
    news = News(customer.account, "trial_ended", {"application": "First"}, to=readers)
    notify_members([news], now=NOW)


@pytest.mark.parametrize("has_every_right", [True, False], ids=["superuser", "clerk"])
def test_the_page_takes_the_same_number_of_queries(has_every_right: bool, settings: Any) -> None:
    settings.ACCOUNT_LIMIT = 200
    customer = make_whole_customer()
    clerk = make_viewer("accounts.account", "accounts.entity", *(each.model for each in TABLES))
    client = signed_in(make_staff() if has_every_right else clerk)
    # What a process looks up but once, it looks up here.
    client.get(change_url(customer.account))
    counts = []
    for number in (0, 99):
        _more(customer, number)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(change_url(customer.account))
        assert page.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= FRAME + 25
    assert Notification.objects.filter(account=customer.account).count() >= 100
    assert AuditEvent.objects.filter(account=customer.account).count() >= 100


def test_five_rows_are_shown_and_the_rest_is_in_the_table() -> None:
    customer = factories.make_customer()
    for _number in range(4):
        factories.make_member(customer.account, Role.VIEWER)
    assert (
        len(table(customer.account, "members")),
        sections(customer.account)["members"].is_cut,
    ) == (5, False)

    factories.make_member(customer.account, Role.VIEWER)

    found = sections(customer.account)["members"]
    assert (len(found.rows), found.is_cut) == (5, True)
    assert found.url.endswith(f"/accounts/membership/?q={customer.account.uin}")


def test_an_account_with_nothing_says_so() -> None:
    account = factories.make_account()

    page = signed_in(make_staff()).get(change_url(account)).content.decode()

    empty = {table.name for table in TABLES} - {"members", "audit"}
    shown = {name for name in empty if str(NAMES[name].empty) in page}
    assert shown == empty


def test_one_cannot_change_the_account_by_its_page() -> None:
    account = factories.make_account()

    assert signed_in(make_staff()).post(change_url(account), {"name": "X"}).status_code == 403
