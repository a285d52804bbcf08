"""A case that comes in the middle of what a customer does, and what is left after it falls.

Staff act by the administration's forms, the customer by the console's; the clock moves between.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Application
from billing.enums import PackageState
from billing.models import Order, Package, Refund
from compliance.enums import CaseState
from compliance.models import Appeal, Violation
from tests import factories
from tests.billing.acts import sweep
from tests.compliance.desk import act, approve_what_waits
from tests.compliance.pages import address, read
from tests.factories import DAY, NOW, Customer, make_case, make_staff, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

STANDS = "The account has a standing Serious or Severe violation: "


@pytest.fixture
def buyer() -> Customer:
    """Someone who has just bought Essential for a month, for 120.00."""
    customer = factories.make_customer(cash="1000")
    factories.buy(customer.application)
    return customer


def _agents_url(customer: Customer, name: str) -> str:
    place = {"uin": customer.account.uin, "sdkappid": customer.application.sdkappid}
    return reverse(f"agents:{name}", kwargs=place)


def _token(answer: Any) -> str:
    found = re.search(r'name="token" value="([^"]+)"', answer.content.decode())
    assert found is not None, read(answer)
    return found[1]


def _confirm(client: Client, customer: Customer, token: str) -> Any:
    return client.post(_agents_url(customer, "refund_confirm"), {"token": token})


def _verify(desk: Client, customer: Customer) -> Violation:
    case = make_case(customer, CaseState.INVESTIGATING, now=timezone.now())
    desk.post(act(case, "verify"), {"finding": "True.", "behaviour": "2"})
    return Violation.objects.get(pk=case.pk)


def _suspend(desk: Client, case: Violation) -> None:
    answer = desk.post(act(case, "take-measure"), {"measure": "suspend", "reason": "Rules."})
    assert answer.status_code == 302
    approve_what_waits()


def _appeal(client: Client, customer: Customer, case: Violation) -> Appeal:
    answer = client.post(address("appeal", customer, number=case.number), {"statement": "Not us."})
    assert answer.status_code == 302
    return case.appeals.get()


def _overturn(appeal: Appeal) -> None:
    answer = signed_in(make_staff()).post(act(appeal, "overturn"), {"reason": "Right."})
    assert answer.status_code == 302


@pytest.mark.parametrize("is_measure_taken", [False, True], ids=["verified", "suspended"])
def test_dialog_2_that_was_open_is_refused_by_the_rule_and_works_once_it_is_overturned(
    buyer: Customer, is_measure_taken: bool
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        customer, desk = signed_in(buyer.owner), signed_in(make_staff())
        token = _token(customer.get(_agents_url(buyer, "refund_confirm")))
        case = _verify(desk, buyer)
        if is_measure_taken:
            _suspend(desk, case)
        answer = _confirm(customer, buyer, token)
        assert answer.status_code == 409
        assert f"{STANDS}{case.number}" in read(answer)
        assert not Refund.objects.exists()
        if not is_measure_taken:
            _suspend(desk, case)
        clock.shift(2 * DAY)
        appeal = _appeal(signed_in(buyer.owner), buyer, case)
        clock.shift(2 * DAY)
        _overturn(appeal)
        # Four days did not count, so the sixth to ninth day are inside the window still.
        clock.move_to(datetime.fromisoformat("2026-03-19T23:59:59+08:00"))
        customer = signed_in(buyer.owner)
        token = _token(customer.get(_agents_url(buyer, "refund_confirm")))
        assert _confirm(customer, buyer, token).status_code == 302
    refund = Refund.objects.get()
    assert (refund.status, refund.amount) == ("done", Decimal(120))
    assert factories.balances(buyer.account)["cash"] == "1000.00"


def test_the_longer_window_ends_to_the_second(buyer: Customer) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        case = _verify(desk := signed_in(make_staff()), buyer)
        _suspend(desk, case)
        appeal = _appeal(signed_in(buyer.owner), buyer, case)
        clock.shift(4 * DAY)
        _overturn(appeal)
        ends = datetime.fromisoformat("2026-03-20T00:00:00+08:00")
        for moment, is_met in ((ends - timedelta(seconds=1), True), (ends, False)):
            clock.move_to(moment)
            text = read(signed_in(buyer.owner).get(_agents_url(buyer, "refund")))
            assert ("Every rule is met" in text) == is_met
            assert ("The window of 5 days ended" in text) == (not is_met)


def _renew(client: Client, customer: Customer) -> Any:
    package = Package.objects.get(application=customer.application)
    base = f"/console/{customer.account.uin}"
    term = {f"unit_{package.pk}": "month", f"count_{package.pk}": "1"}
    choice = {"packages": str(package.pk), "coupon": "", **term}
    asked = client.post(f"{base}/renew/", choice)
    if 'name="token"' not in asked.content.decode():
        return asked
    return client.post(f"{base}/confirm/", {"token": _token(asked), "use": ["cash"]}, follow=True)


def test_a_package_that_ran_out_meanwhile_is_renewed_and_gets_the_lost_time(
    buyer: Customer,
) -> None:
    """Suspended from the 20th day to the 45th; the package ended on the 31st."""
    desk = signed_in(make_staff())
    with time_machine.travel(NOW + 20 * DAY, tick=False) as clock:
        _suspend(signed_in(make_staff()), case := _verify(signed_in(make_staff()), buyer))
        appeal = _appeal(signed_in(buyer.owner), buyer, case)
        clock.move_to(NOW + 45 * DAY)
        sweep(timezone.now())
        # Longer over than the seven days, and kept nevertheless.
        assert Package.objects.get().state == PackageState.ISOLATED
        refused = read(_renew(signed_in(buyer.owner), buyer))
        assert "The account is suspended, so it cannot do this." in refused
        assert Order.objects.count() == 1

        _overturn(appeal)
        clock.shift(DAY)
        sweep(timezone.now())
        customer = signed_in(buyer.owner)
        assert "Paid. Your order is complete." in read(_renew(customer, buyer))
        package = Package.objects.get()
        assert (package.state, package.expires_at) == (PackageState.ACTIVE, NOW + 61 * DAY)

        desk = signed_in(make_staff())
        url = reverse("admin:billing_package_act", args=[package.pk, "give-time-back"])
        answer = desk.post(url, {"days": "25", "hours": "0", "reason": "Lost time."})
        assert answer.status_code == 302
        approve_what_waits()
        package.refresh_from_db()
        assert package.expires_at == NOW + 86 * DAY
        shown = read(customer.get(_agents_url(buyer, "management")))
        assert "4 Jun 2026, 10:00:00 UTC+8" in shown


def test_seven_days_after_the_suspension_it_is_released_after_all(buyer: Customer) -> None:
    with time_machine.travel(NOW + 20 * DAY, tick=False) as clock:
        _suspend(signed_in(make_staff()), case := _verify(signed_in(make_staff()), buyer))
        appeal = _appeal(signed_in(buyer.owner), buyer, case)
        clock.move_to(NOW + 45 * DAY)
        _overturn(appeal)
        for moment, state in (
            (NOW + 52 * DAY - timedelta(seconds=1), PackageState.ISOLATED),
            (NOW + 52 * DAY, PackageState.RELEASED),
        ):
            clock.move_to(moment)
            sweep(timezone.now())
            assert Package.objects.get().state == state


def test_a_blocked_companys_accounts_activate_nothing_by_any_form(buyer: Customer) -> None:
    sister = factories.make_account(entity=buyer.account.entity, owner=buyer.owner)
    stranger = factories.make_account(owner=buyer.owner)
    with time_machine.travel(NOW + DAY, tick=False):
        customer = signed_in(buyer.owner)
        case = _verify(desk := signed_in(make_staff()), buyer)
        desk.post(act(case, "take-measure"), {"measure": "block", "reason": "Rules."})
        approve_what_waits()
        before = Application.objects.count()
        for account in (buyer.account, sister):
            answer = customer.post(
                reverse("billing:activate", kwargs={"uin": account.uin}), {"name": "Another"}
            )
            assert answer.status_code in {403, 422}
            assert Application.objects.count() == before
        # The same form works for another company, and for this one after an overturned appeal.
        _overturn(_appeal(customer, buyer, case))
        for number, account in enumerate((stranger, sister, buyer.account), start=1):
            customer.post(
                reverse("billing:activate", kwargs={"uin": account.uin}), {"name": "Another"}
            )
            assert Application.objects.count() == before + number


def test_a_warning_sends_the_refund_to_review_where_staff_decide(buyer: Customer) -> None:
    make_case(buyer, CaseState.ACTIONED, behaviour=7, now=NOW)
    with time_machine.travel(NOW + DAY, tick=False):
        customer = signed_in(buyer.owner)
        dialog = customer.get(_agents_url(buyer, "refund_confirm"))
        _confirm(customer, buyer, _token(dialog))
        refund = Refund.objects.get()
        assert (refund.status, factories.balances(buyer.account)["cash"]) == ("pending", "880.00")
        url = reverse("admin:billing_refund_act", args=[refund.pk, "approve"])
        signed_in(make_staff()).post(url, {"reason": "One warning is no reason."})
        refund.refresh_from_db()
    assert (refund.status, factories.balances(buyer.account)["cash"]) == ("done", "1000.00")
