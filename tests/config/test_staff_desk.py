"""The administration's first page: what waits, for which people, and until when."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.jobs import SEND_MAIL, defer
from accounts.models import Job, Notification, OutgoingMail, User
from accounts.services import outbox
from accounts.services.jobs import repeat_job
from accounts.services.proposals import approve_proposal, propose
from accounts.services.restrictions import lift_restriction
from billing.enums import CreditStatus, RenewalMode
from billing.grants.credits import approve_credit, record_credit
from billing.models import Package, Refund, SweepRun
from billing.refunds.decisions import approve_refund
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from compliance.enums import CaseState, ViolationMeasure
from compliance.models import Appeal
from compliance.services.appeals import decide_appeal
from compliance.services.connections import decide_connection
from compliance.services.violations import dismiss_violation, start_investigation
from compliance.transitions import ConnectionAct
from config.staff import work
from config.staff.decisions import DECISIONS
from config.staff.desk import Desk, read_desk
from config.staff.watch import WATCH
from config.staff.work import WorkList, change_url
from tests import factories
from tests.approving import take_measure
from tests.factories import DAY, NOW, make_clerk, make_staff, signed_in
from tests.queries import FRAME

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LISTS = {each.name: each for each in [*DECISIONS, *WATCH]}


def lists(desk: Desk) -> dict[str, WorkList]:
    return {each.name: each for each in [*desk.decisions, *desk.watch]}


def labels(user: User, name: str, now: datetime = NOW) -> list[str]:
    return [line.label for line in lists(read_desk(user, now))[name].lines]


def make_customer() -> factories.Customer:
    return factories.make_customer(now=NOW - 10 * DAY)


# --- One thing of each kind, and the act that takes it off the list ----------------------------

Thing = tuple[str, Callable[[], Any]]


def waiting_refund() -> Refund:
    """A mere warning sends the refund to review."""
    customer = factories.make_customer(cash="1000", now=NOW - DAY)
    factories.buy(customer.application, by=customer.owner, now=NOW - DAY)
    factories.make_case(customer, behaviour=6, measure=ViolationMeasure.WARN, now=NOW - DAY)
    package = factories.current_package(customer.application)
    quote = quote_refund(package=package, now=NOW)
    return refund_package(package=package, token=quote.token, by=customer.owner, now=NOW)


def a_refund() -> Thing:
    refund = waiting_refund()
    return refund.number, lambda: approve_refund(
        refund=refund, reason="Fair", by=make_staff(), now=NOW
    )


def a_credit() -> Thing:
    credit = record_credit(
        account=factories.make_account(),
        fund_kind="cash",
        amount=Decimal(20_000),
        currency="USD",
        reference="BANK-1",
        by=make_staff(),
        now=NOW,
    )
    assert credit.status == CreditStatus.WAITING
    return credit.reference, lambda: approve_credit(
        credit=credit, reason="Seen", by=make_staff(), now=NOW
    )


def a_report() -> Thing:
    case = factories.make_case(make_customer(), CaseState.REPORTED)
    return case.number, lambda: start_investigation(violation=case, by=make_staff(), now=NOW)


def an_investigation() -> Thing:
    case = factories.make_case(make_customer(), CaseState.INVESTIGATING)
    return case.number, lambda: dismiss_violation(
        violation=case, finding="Untrue.", by=make_staff(), now=NOW
    )


def a_verified_case() -> Thing:
    case = factories.make_case(make_customer(), CaseState.VERIFIED)
    return case.number, lambda: take_measure(
        case, ViolationMeasure.SUSPEND, by=make_staff(), now=NOW
    )


def an_appeal() -> Thing:
    case = factories.make_case(make_customer(), CaseState.APPEALED)
    appeal = case.appeals.get()
    return str(appeal), lambda: decide_appeal(
        appeal=appeal, is_overturned=True, reason="Right", by=make_staff(), now=NOW
    )


def a_connection() -> Thing:
    request = factories.make_connection_request(make_customer())
    return request.number, lambda: decide_connection(
        request=request, act=ConnectionAct.APPROVE, reason="Clear", by=make_staff(), now=NOW
    )


def a_measure() -> Thing:
    account = factories.make_account()
    measure = factories.restrict(account)
    return account.name, lambda: lift_restriction(
        account=account, case_number=measure.case_number, reason="Paid", by=make_staff(), now=NOW
    )


def sweep_at(at: datetime) -> SweepRun:
    return SweepRun.objects.create(as_of=at, finished_at=at)


def a_renewal() -> Thing:
    """A package that the last sweep should have renewed; the money came too late."""
    customer = factories.make_customer(cash="1000", now=NOW - 40 * DAY)
    factories.buy(customer.application, now=NOW - 30 * DAY)
    package = factories.current_package(customer.application)
    Package.objects.filter(pk=package.pk).update(renewal_mode=RenewalMode.AUTOMATIC)
    sweep_at(package.expires_at - timedelta(hours=2))
    return str(customer.application), lambda: factories.renew(package, now=NOW - DAY)


def an_expiry() -> Thing:
    customer = factories.make_customer(cash="1000", now=NOW - 40 * DAY)
    factories.buy(customer.application, now=NOW - 26 * DAY)
    package = factories.current_package(customer.application)
    return str(customer.application), lambda: factories.renew(package, now=NOW)


def an_order() -> Thing:
    customer = factories.make_customer(now=NOW - 3 * DAY)
    order = factories.buy(customer.application, now=NOW - 2 * DAY)
    return order.number, lambda: type(order).objects.filter(pk=order.pk).update(status="expired")


def a_sign_in_email() -> Thing:
    OutgoingMail.objects.create(
        kind="password_reset_key",
        to="someone@example.com",
        subject="Reset your password",
        text="A link",
        created_at=NOW - DAY,
        expires_at=NOW + DAY,
        attempts=1,
        next_attempt_at=NOW,
        last_error="SMTPDataError: no",
    )
    return "someone@example.com", lambda: outbox.send_due(now=NOW, clock=lambda: NOW)


def a_failed_job() -> Thing:
    defer(SEND_MAIL, {"ids": [1]})
    job = Job.objects.latest("pk")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [job.pk])

    def repeat() -> None:
        repeat_job(job=job, reason="Mended", by=make_staff(), now=NOW)

    return str(job), repeat


def an_email() -> Thing:
    member = factories.make_account(now=NOW - DAY).memberships.get()
    row = Notification.objects.create(
        user=member.user,
        account=member.account,
        kind="member_joined",
        params={"name": "Ann", "role": "viewer"},
        created_at=NOW - DAY,
        attempts=1,
        next_attempt_at=NOW,
        last_error="ConnectionRefusedError: no",
    )
    Notification.objects.exclude(pk=row.pk).delete()
    return member.user.email, lambda: outbox.send_due(now=NOW, clock=lambda: NOW)


def a_proposal() -> Thing:
    proposal = propose(
        "member.add",
        account=factories.make_account(),
        payload={"user": factories.make_user().pk, "role": "viewer"},
        reason="By letter",
        by=make_staff(),
        now=NOW,
    )
    return "Add a member", lambda: approve_proposal(proposal=proposal, by=make_staff(), now=NOW)


#: What a list takes beside the right to see it: here the right for the act that waits.
MORE = {"proposals": ["accounts.add_membership"]}

THINGS = {
    "proposals": a_proposal,
    "refunds": a_refund,
    "credits": a_credit,
    "reported": a_report,
    "investigating": an_investigation,
    "verified": a_verified_case,
    "appeals": an_appeal,
    "connections": a_connection,
    "measures": a_measure,
    "renewals": a_renewal,
    "expiring": an_expiry,
    "orders": an_order,
    "emails": an_email,
    "sign-in-emails": a_sign_in_email,
    "jobs": a_failed_job,
}


def test_every_list_is_tried() -> None:
    assert list(THINGS) == list(LISTS)


@pytest.mark.parametrize("name", LISTS)
def test_a_thing_waits_until_the_act(name: str) -> None:
    clerk = make_clerk(*LISTS[name].permissions, *MORE.get(name, []))
    assert labels(clerk, name) == []

    label, act = THINGS[name]()
    found = lists(read_desk(clerk, NOW))[name]
    assert ([line.label for line in found.lines], found.count) == ([label], "1")
    assert label in signed_in(clerk).get(found.lines[0].url).content.decode()

    act()
    assert labels(clerk, name) == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_there_for_those_who_may_act_and_for_nobody_else(name: str) -> None:
    needed = LISTS[name].permissions
    everything = {f"{each.content_type.app_label}.{each.codename}" for each in _permissions()}

    with_all = signed_in(make_clerk(*needed)).get(reverse("admin:index")).content.decode()
    assert f'id="work-{name}"' in with_all
    for missing in needed:
        page = signed_in(make_clerk(*(everything - {missing}))).get(reverse("admin:index"))
        assert f'id="work-{name}"' not in page.content.decode(), missing


def _permissions() -> Any:
    return Permission.objects.select_related("content_type")


@pytest.mark.parametrize("name", LISTS)
def test_the_way_to_all_rows_leads_to_the_row(name: str) -> None:
    _label, _act = THINGS[name]()
    clerk = make_clerk(*LISTS[name].permissions, *MORE.get(name, []))

    found = lists(read_desk(clerk, NOW))[name]
    page = signed_in(clerk).get(found.url)

    assert page.status_code == 200
    assert len(page.context["cl"].result_list) == 1


def test_nothing_waits_says_so() -> None:
    page = signed_in(make_staff()).get(reverse("admin:index")).content.decode()

    assert page.count("Nothing to do.") == len(LISTS)
    assert all(str(each.empty) in page for each in LISTS.values())


# --- What is someone else's to decide ---------------------------------------------------------


def test_what_one_brought_about_is_not_on_ones_own_list() -> None:
    recorder = make_staff()
    record_credit(
        account=factories.make_account(),
        fund_kind="cash",
        amount=Decimal(20_000),
        currency="USD",
        reference="BANK-2",
        by=recorder,
        now=NOW,
    )
    case = factories.make_case(make_customer(), CaseState.APPEALED, handler=recorder)
    appeal = Appeal.objects.get(violation=case)

    assert (labels(recorder, "credits"), labels(recorder, "appeals")) == ([], [])
    other = make_staff()
    assert (labels(other, "credits"), labels(other, "appeals")) == (["BANK-2"], [str(appeal)])


# --- Order, lateness and length ----------------------------------------------------------------


def test_the_oldest_stand_first_and_late_ones_are_marked() -> None:
    old = factories.make_case(make_customer(), CaseState.REPORTED, now=NOW - 4 * DAY)
    young = factories.make_case(make_customer(), CaseState.REPORTED, now=NOW - 3 * DAY)

    found = lists(read_desk(make_staff(), NOW))["reported"].lines

    assert [(line.label, line.waits, line.is_late) for line in found] == [
        (old.number, "overdue: waiting for 4\u00a0days", True),
        (young.number, "waiting for 3\u00a0days", False),
    ]
    assert found[0].url == change_url(old)


def test_a_count_goes_no_further_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "COUNTED", 2)
    sweep_at(NOW)
    for _number in range(2):
        factories.restrict(factories.make_account())
    assert lists(read_desk(make_staff(), NOW))["measures"].count == "2"

    factories.restrict(factories.make_account())

    with CaptureQueriesContext(connection) as queries:
        assert lists(read_desk(make_staff(), NOW))["measures"].count == "2+"
    counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert len(counts) == len(LISTS)
    assert all("LIMIT 3" in sql for sql in counts)


def test_only_five_rows_are_shown() -> None:
    for _number in range(6):
        factories.restrict(factories.make_account())

    found = lists(read_desk(make_staff(), NOW))["measures"]

    assert (len(found.lines), found.count) == (5, "6")


@pytest.mark.parametrize("name", LISTS)
def test_a_list_reads_an_index(name: str) -> None:
    THINGS[name]()
    rows = LISTS[name].find(make_staff(), NOW).order_by()
    with connection.cursor() as cursor:
        # Only what an index can find by the conditions is read without a scan of the table.
        for way in ("seqscan", "indexscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = rows.select_related(None).explain()

    assert f"Seq Scan on {rows.model._meta.db_table}" not in plan
    assert "Bitmap Index Scan" in plan


def test_the_first_page_takes_the_same_number_of_queries() -> None:
    root = make_staff()
    client = signed_in(root)
    sweep_at(NOW)
    counts = []
    client.get(reverse("admin:index"))
    for number in (1, 99):
        for name in THINGS.keys() & {"refunds", "reported", "appeals", "connections", "emails"}:
            THINGS[name]()
        for _number in range(number):
            factories.restrict(factories.make_account(owner=root))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("admin:index")).status_code == 200
        counts.append(len(queries))
    assert counts == [FRAME + 36, FRAME + 36]


# --- The sweep -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "text", "is_late"),
    [
        (None, "No expiry sweep has run yet.", True),
        (
            61,
            "The expiry sweep is overdue: the last one ended 1\u00a0hour, 1\u00a0minute ago.",
            True,
        ),
        (60, "The last expiry sweep ended 1\u00a0hour ago.", False),
    ],
    ids=["never", "overdue", "in time"],
)
def test_the_sweep_is_told_of(age: int | None, text: str, is_late: bool) -> None:
    if age is not None:
        sweep_at(NOW - timedelta(minutes=age))

    found = read_desk(make_clerk("billing.view_sweeprun"), NOW).sweep

    assert found is not None
    assert (found.text, found.is_late) == (text, is_late)
    assert read_desk(make_clerk("billing.view_refund"), NOW).sweep is None


# --- Emails -------------------------------------------------------------------------------------


def test_only_failures_that_can_be_mended_are_told_of() -> None:
    member = factories.make_account().memberships.get()
    Notification.objects.all().delete()
    rows: dict[str, dict[str, Any]] = {
        "gone": {"attempts": 1, "last_error": "recipient is gone"},
        "waits": {"next_attempt_at": NOW},
        "console": {},
        "sent": {"attempts": 2, "sent_at": NOW},
        "old": {"attempts": 7, "last_error": "no", "created_at": NOW - 31 * DAY},
        "given up": {"attempts": 7, "last_error": "no such mailbox"},
    }
    for kind, values in rows.items():
        fields = {"created_at": NOW - DAY, **values}
        Notification.objects.create(user=member.user, account=member.account, kind=kind, **fields)

    found = lists(read_desk(make_staff(), NOW))["emails"].lines

    assert [(line.text, line.waits) for line in found] == [
        (f"{member.account.name} · no such mailbox", "given up")
    ]
    assert mail.outbox == []


def test_the_page_for_a_visitor_leads_to_sign_in() -> None:
    answer = Client().get(reverse("admin:index"))

    assert answer.status_code == 302


@pytest.mark.parametrize(
    "model", ["account/emailaddress", "mfa/authenticator", "usersessions/usersession"]
)
def test_keys_to_other_peoples_sign_ins_are_not_in_the_administration(model: str) -> None:
    assert signed_in(make_staff()).get(f"/admin/{model}/").status_code == 404


# --- What all lists and pages have in common ---------------------------------------------------


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "Nothing here yet."),
        ({"q": "nobody"}, "No matches."),
        ({"status__exact": "pending"}, "No matches."),
    ],
    ids=["empty", "searched", "filtered"],
)
def test_an_empty_list_says_why_it_is_empty(query: dict[str, str], text: str) -> None:
    page = signed_in(make_staff()).get(reverse("admin:billing_refund_changelist"), query)

    found = [each for each in ("Nothing here yet.", "No matches.") if each in str(page.content)]
    assert found == [text]


def test_rows_of_an_object_lead_to_their_pages() -> None:
    place = factories.make_account().memberships.get()

    page = signed_in(make_staff()).get(change_url(place.user)).content.decode()

    assert f'href="{change_url(place)}"' in page
    assert f'href="{change_url(place.account)}"' in page


def test_an_object_without_rows_says_so() -> None:
    person = factories.make_user()

    page = signed_in(make_staff()).get(change_url(person)).content.decode()

    assert '<p class="rows-empty">None</p>' in page


def test_groups_are_read_and_not_written() -> None:
    group = Group.objects.create(name="Desk")
    group.permissions.add(Permission.objects.get(codename="decide_refund"))
    client = signed_in(make_staff())

    page = client.get(change_url(group)).content.decode()

    assert "Can decide on refunds under review" in page
    assert 'name="permissions"' not in page
    assert client.post(change_url(group), {"name": "Other"}).status_code == 403
    assert client.get(reverse("admin:auth_group_add")).status_code == 403
    assert [each.name for each in Group.objects.filter(pk=group.pk)] == ["Desk"]


def test_groups_and_rights_are_named_in_the_language_of_the_page() -> None:
    group = Group.objects.get(name="Billing operations")
    root = make_staff()
    root.language = "zh-hans"
    root.save()
    client = signed_in(root)
    listed = client.get(reverse("admin:auth_group_changelist")).content.decode()
    page = client.get(change_url(group)).content.decode()
    rights = client.get(
        reverse("admin:accounts_user_act", args=(make_clerk().pk, "staff-rights"))
    ).content.decode()
    for each in (listed, page, rights):
        assert "计费运营" in each
        assert "Billing operations" not in each
    assert "订单" in page
    assert "审批入账与冲正" in page
    assert "Can " not in page


def test_a_persons_groups_are_named_on_the_persons_page() -> None:
    clerk = make_clerk()
    clerk.groups.set(Group.objects.filter(name__in=["Support", "Catalog"]))
    page = signed_in(make_staff()).get(change_url(clerk)).content.decode()
    assert "Catalog, Support" in page


def test_an_offers_limits_are_told_in_words() -> None:
    promotion = factories.make_promotion(editions=["premium"], term_units=["year"])
    coupon = factories.make_coupon(factories.make_account(), order_kinds=["new", "renewal"])
    client = signed_in(make_staff())
    assert "Premium; Annual" in client.get(change_url(promotion)).content.decode()
    assert "New purchase, Renewal" in client.get(change_url(coupon)).content.decode()


def test_notifications_are_listed_by_their_headlines() -> None:
    customer = make_customer()
    notify = Notification.objects.create(
        user=customer.owner,
        account=customer.account,
        kind="order_expired",
        params={"number": "2026", "total": "1.00", "currency": "USD"},
        created_at=NOW,
        next_attempt_at=NOW,
    )
    client = signed_in(make_staff())
    for url in (reverse("admin:accounts_notification_changelist"), change_url(notify)):
        assert "Order 2026 has expired" in client.get(url).content.decode()


def test_staff_change_their_password_where_everybody_does() -> None:
    response = signed_in(make_staff()).get("/admin/password_change/")
    assert response.headers["Location"] == reverse("account_change_password")
