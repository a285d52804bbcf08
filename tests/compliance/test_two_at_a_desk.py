"""Two members of staff at the same case: stale pages, double sends, forged acts."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.admin import actions
from accounts.models import Account, AuditEvent, Proposal, Restriction
from billing.models import LedgerEntry, Package
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from compliance.enums import CaseState, ConnectionState
from compliance.models import Appeal, ConnectionRequest, Violation, ViolationEvent
from tests import factories
from tests.compliance.desk import act, approve_what_waits, change
from tests.compliance.pages import read
from tests.factories import (
    NOW,
    Customer,
    make_case,
    make_connection_request,
    make_customer,
    make_staff,
    signed_in,
)
from tests.races import race, values

CHANGED = "This was changed in the meantime. Review it, then decide again."
OVER = "This is no longer possible, so nothing was changed."


def _open(client: Client, url: str) -> dict[str, str]:
    """Open the page of an act; return what its form remembers."""
    page = client.get(url)
    assert page.status_code == 200
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', page.content.decode())
    assert found is not None
    return {"seen": found[1]}


def _written() -> tuple[int, int]:
    return ViolationEvent.objects.count(), AuditEvent.objects.count()


# --- The one who comes second --------------------------------------------------------------------

#: what there is, the first act with its data, and the second one
SECONDS: dict[str, tuple[Any, tuple[str, dict[str, str]], tuple[str, dict[str, str]]]] = {
    "verified, then dismissed": (
        lambda customer: make_case(customer, CaseState.INVESTIGATING),
        ("verify", {"finding": "True.", "behaviour": "2"}),
        ("dismiss", {"finding": "Untrue."}),
    ),
    "dismissed, then verified": (
        lambda customer: make_case(customer, CaseState.INVESTIGATING),
        ("dismiss", {"finding": "Untrue."}),
        ("verify", {"finding": "True.", "behaviour": "2"}),
    ),
    "suspended, then blocked": (
        lambda customer: make_case(customer, CaseState.VERIFIED),
        ("take-measure", {"measure": "suspend", "reason": "Rules."}),
        ("take-measure", {"measure": "block", "reason": "Rules."}),
    ),
    "lifted twice": (
        make_case,
        ("lift", {"reason": "Enough."}),
        ("lift", {"reason": "Enough."}),
    ),
    "overturned, then upheld": (
        lambda customer: make_case(customer, CaseState.APPEALED).appeals.get(),
        ("overturn", {"reason": "It falls."}),
        ("uphold", {"reason": "It stands."}),
    ),
    "upheld, then overturned": (
        lambda customer: make_case(customer, CaseState.APPEALED).appeals.get(),
        ("uphold", {"reason": "It stands."}),
        ("overturn", {"reason": "It falls."}),
    ),
    "approved, then refused": (
        make_connection_request,
        ("approve", {"reason": "Clear."}),
        ("refuse", {"reason": "Unclear."}),
    ),
    "refused, then approved": (
        make_connection_request,
        ("refuse", {"reason": "Unclear."}),
        ("approve", {"reason": "Clear."}),
    ),
}


@pytest.mark.parametrize(("make", "first", "second"), SECONDS.values(), ids=SECONDS.keys())
def test_who_comes_second_changes_nothing_and_is_told(
    customer: Customer,
    make: Callable[[Customer], Any],
    first: tuple[str, dict[str, str]],
    second: tuple[str, dict[str, str]],
) -> None:
    obj = make(customer)
    early, late = signed_in(make_staff()), signed_in(make_staff())
    form = _open(late, act(obj, second[0]))
    assert early.post(act(obj, first[0]), first[1]).status_code == 302
    written, row = _written(), type(obj).objects.filter(pk=obj.pk).values().get()
    answer = late.post(act(obj, second[0]), second[1] | form, follow=True)
    # What was only prepared has not changed the object, so it can still be looked at again.
    is_prepared = Proposal.objects.filter(state="waiting").exists()
    assert (CHANGED if is_prepared else OVER) in read(answer)
    assert Proposal.objects.filter(state="waiting").count() == is_prepared
    assert _written() == written
    assert type(obj).objects.filter(pk=obj.pk).values().get() == row


def test_a_correction_does_not_undo_one_that_it_has_not_seen(customer: Customer) -> None:
    case = make_case(customer, CaseState.INVESTIGATING)
    early, late = signed_in(make_staff()), signed_in(make_staff())
    data = {"source": "carrier", "reason": "The carrier wrote."}
    form = _open(late, act(case, "amend"))
    early.post(act(case, "amend"), data | {"summary": "Called nine times."})
    written = _written()
    answer = late.post(act(case, "amend"), data | {"summary": "Called."} | form)
    assert answer.status_code == 409
    assert CHANGED in read(answer)
    assert Violation.objects.get().summary == "Called nine times."
    assert _written() == written
    # Anyone who has looked sends it again from the page that this was answered with.
    seen = _open(late, act(case, "amend"))
    assert late.post(act(case, "amend"), data | {"summary": "Called."} | seen).status_code == 302
    assert Violation.objects.get().summary == "Called."


def test_a_finding_is_not_about_a_record_that_was_corrected_meanwhile(customer: Customer) -> None:
    case = make_case(customer, CaseState.INVESTIGATING)
    early, late = signed_in(make_staff()), signed_in(make_staff())
    form = _open(late, act(case, "verify"))
    early.post(
        act(case, "amend"), {"source": "carrier", "summary": "A mistake.", "reason": "They say so."}
    )
    data = {"finding": "True.", "behaviour": "2"} | form
    assert late.post(act(case, "verify"), data).status_code == 409
    assert Violation.objects.get().state == CaseState.INVESTIGATING


def test_the_page_that_shows_a_fault_can_be_sent_again(customer: Customer) -> None:
    case = make_case(customer, CaseState.VERIFIED)
    client = signed_in(make_staff())
    form = _open(client, act(case, "take-measure"))
    answer = client.post(act(case, "take-measure"), {"measure": "suspend", "reason": " "} | form)
    assert answer.status_code == 422
    assert form["seen"] in answer.content.decode()


# --- What would count twice ------------------------------------------------------------------


def _package() -> Package:
    customer = factories.make_customer(cash="500")
    factories.buy(customer.application)
    return factories.current_package(customer.application)


def _give_back(package: Package) -> str:
    return reverse("admin:billing_package_act", args=[package.pk, "give-time-back"])


@pytest.mark.usefixtures("db", "clock")
def test_lost_time_is_given_back_once_by_a_double_send_and_by_two_people() -> None:
    package = _package()
    one, other = signed_in(make_staff()), signed_in(make_staff())
    url = _give_back(package)
    data = {"days": "10", "hours": "0", "reason": "Lost time."}
    forms = [_open(one, url), _open(other, url)]
    answers = [
        one.post(url, data | forms[0]),
        one.post(url, data | forms[0]),
        other.post(url, data | forms[1]),
    ]
    assert [answer.status_code for answer in answers] == [302, 409, 409]
    approve_what_waits()
    again = Package.objects.get(pk=package.pk)
    assert again.expires_at - package.expires_at == timedelta(days=10)
    assert AuditEvent.objects.filter(verb="package.time_returned").count() == 1


@pytest.mark.usefixtures("clock")
def test_a_measure_sent_twice_is_one_measure(customer: Customer) -> None:
    """Also where a second one would leave the account's status as it is."""
    client = signed_in(make_staff())
    url = reverse("admin:accounts_account_act", args=[customer.account.pk, "restrict"])
    data = {"measure": "suspend", "reason": "A bill is open."}
    client.post(url, data | _open(client, url))
    approve_what_waits()
    form = _open(client, url)
    answers = [client.post(url, data | form) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [302, 409]
    approve_what_waits()
    assert Restriction.objects.count() == 2


REFUNDS = [("approve", "reject", "done"), ("reject", "approve", "rejected")]


@pytest.mark.parametrize(("first", "second", "status"), REFUNDS)
@pytest.mark.usefixtures("db", "clock")
def test_a_refund_is_decided_by_who_comes_first(first: str, second: str, status: str) -> None:
    customer = factories.make_customer(cash="500")
    factories.buy(customer.application)
    bought = customer
    make_case(bought, CaseState.ACTIONED, behaviour=6)
    package = factories.current_package(customer.application)
    token = quote_refund(package=package, now=NOW).token
    refund = refund_package(package=package, token=token, by=customer.owner, now=NOW)
    assert refund.status == "pending"
    early, late = signed_in(make_staff()), signed_in(make_staff())
    urls = [reverse("admin:billing_refund_act", args=[refund.pk, name]) for name in (first, second)]
    form = _open(late, urls[1])
    assert early.post(urls[0], {"reason": "So."}).status_code == 302
    cash = factories.balances(customer.account)["cash"]
    entries = LedgerEntry.objects.count()
    answer = late.post(urls[1], {"reason": "No, so."} | form, follow=True)
    assert OVER in read(answer)
    again = early.post(urls[0], {"reason": "So."}, follow=True)
    assert OVER in read(again)
    refund.refresh_from_db()
    assert refund.status == status
    assert (factories.balances(customer.account)["cash"], LedgerEntry.objects.count()) == (
        cash,
        entries,
    )
    assert cash == ("500.00" if status == "done" else "380.00")


def _hands(count: int) -> tuple[Violation, list[Callable[[], int]]]:
    """A case, and that many people who correct what they see of it at the same time."""
    case = make_case(make_customer(), CaseState.INVESTIGATING)
    url = act(case, "amend")
    hands = []
    for number in range(count):
        client = signed_in(make_staff())
        data = {"source": "carrier", "reason": "They wrote.", "summary": f"{number} calls."}
        hands.append(_sender(client, url, data | _open(client, url)))
    return case, hands


def _sender(client: Client, url: str, data: dict[str, str]) -> Callable[[], int]:
    return lambda: client.post(url, data).status_code


@pytest.fixture
def patience(settings: Any) -> None:
    """Let four people wait for a row: a 503 for the last of them is another test's matter."""
    settings.LOCK_WAIT_SECONDS = 60
    settings.LOCK_WAITERS_PER_ROW = 4


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_record_is_corrected_once_by_people_at_the_same_moment(clock: Any, settings: Any) -> None:
    # Who waits too long gets a 503, which is another test's matter.
    settings.LOCK_WAIT_SECONDS = 60
    for _time in range(3):
        case, hands = _hands(4)
        assert sorted(values(race(*hands))) == [302, 409, 409, 409]
        assert case.events.filter(act="amend").count() == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_without_turns_it_would_be_corrected_over_what_others_wrote(
    monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    monkeypatch.setattr(actions, "take_turn", lambda **_options: None)

    def taken() -> int:
        _case, hands = _hands(4)
        return values(race(*hands)).count(302)

    assert any(taken() > 1 for _try in range(20))


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_lost_time_is_prepared_once_by_people_at_the_same_moment(clock: Any, settings: Any) -> None:
    # Who waits too long gets a 503, which is another test's matter.
    settings.LOCK_WAIT_SECONDS = 60
    package = _package()
    url = _give_back(package)
    data = {"days": "10", "hours": "0", "reason": "Lost time."}
    clients = [signed_in(make_staff()) for _hand in range(4)]
    hands = [_sender(client, url, data | _open(client, url)) for client in clients]
    assert sorted(values(race(*hands))) == [302, 409, 409, 409]
    assert Proposal.objects.filter(state="waiting").count() == 1


# --- Forged ----------------------------------------------------------------------------------

STATES = [
    (state, name)
    for state in CaseState
    for name in ("investigate", "verify", "dismiss", "take-measure", "lift")
]
#: Which of them a case in this state allows.
ALLOWED = {
    CaseState.REPORTED: {"investigate"},
    CaseState.INVESTIGATING: {"verify", "dismiss"},
    CaseState.VERIFIED: {"take-measure"},
    CaseState.ACTIONED: {"lift"},
    CaseState.APPEALED: {"lift"},
    CaseState.UPHELD: {"lift"},
}
DATA = {
    "reason": "x",
    "finding": "x",
    "behaviour": "1",
    "measure": "block",
    "consequences": "x",
}


@pytest.mark.parametrize(("state", "name"), STATES, ids=lambda value: str(value))
def test_a_forged_act_out_of_turn_changes_nothing(
    customer: Customer, state: CaseState, name: str
) -> None:
    case = make_case(customer, state)
    before = _written(), Violation.objects.values().get(), Restriction.objects.count()
    answer = signed_in(make_staff()).post(act(case, name), DATA)
    after = _written(), Violation.objects.values().get(), Restriction.objects.count()
    assert answer.status_code == 302
    assert (after != before) == (name in ALLOWED.get(state, set()))


@pytest.mark.parametrize("seen", ["", "x", "\x00", "é" * 5000, "0" * 64])
def test_a_forged_memory_is_a_stale_one(customer: Customer, seen: str) -> None:
    made = make_connection_request(customer)
    answer = signed_in(make_staff()).post(act(made, "approve"), {"reason": "x", "seen": seen})
    assert answer.status_code == 409
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW


def test_acts_are_not_for_links(customer: Customer) -> None:
    """Neither by GET nor by HEAD does anything happen, whatever the address carries."""
    appeal = make_case(customer, CaseState.APPEALED).appeals.get()
    client = signed_in(make_staff())
    written = _written()
    for method in (client.get, client.head):
        assert method(act(appeal, "overturn") + "?reason=x").status_code == 200
    assert Appeal.objects.get().state == "open"
    assert _written() == written


def test_djangos_own_forms_change_no_case(customer: Customer) -> None:
    """What the admin's own change, delete and bulk pages would do, forged by every right."""
    case = make_case(customer, CaseState.APPEALED)
    rows = [case, case.appeals.get(), make_connection_request(make_customer())]
    client = signed_in(make_staff())
    before = [type(row)._default_manager.filter(pk=row.pk).values().get() for row in rows]
    for row in rows:
        listing = reverse(f"admin:compliance_{row._meta.model_name}_changelist")
        assert client.post(change(row), {"state": "overturned", "_save": "1"}).status_code == 403
        assert client.post(change(row) + "../delete/", {"post": "yes"}).status_code == 403
        forged = {"action": "delete_selected", "_selected_action": row.pk, "index": "0"}
        client.post(listing, forged)
        edited = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row.pk}
        client.post(listing, edited | {"form-0-state": "overturned", "_save": "Save"})
    assert [type(row)._default_manager.filter(pk=row.pk).values().get() for row in rows] == before
    assert Account.objects.get(pk=customer.account.pk).status == "suspended"


@pytest.mark.django_db(transaction=True)
def test_a_turn_ends_with_its_request() -> None:
    """Nothing is held once a request is answered, also where it was refused."""
    made = make_connection_request(make_customer())
    signed_in(make_staff()).post(act(made, "approve"), {"reason": "x", "seen": "stale"})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (0,)
