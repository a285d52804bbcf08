"""What `--dry-run` announces is what the sweep at the same instant then does, row by row."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.enums import Measure
from accounts.models import AuditEvent
from billing.enums import Edition, RenewalMode, TermUnit
from billing.models import Fund, License, Order, Package
from billing.packages.services import choose_renewal_mode
from billing.refunds.holds import place_refund_hold
from tests import factories as make
from tests.billing.acts import at, package_of, refund
from tests.factories import DAY, HOUR

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

AS_OF = at("2026-04-20 10:00:00")


def _run(*arguments: str) -> str:
    out = StringIO()
    call_command("sweep_expirations", *arguments, "--as-of", AS_OF.isoformat(), "--yes", stdout=out)
    return out.getvalue()


def _package(
    ends: timedelta, *, cash: str = "1000", mode: str = RenewalMode.REMIND, **options: Any
) -> tuple[make.Customer, Package]:
    """A package of a month that ends so long after `AS_OF` (below zero: before it)."""
    bought = (AS_OF + ends) - timedelta(days=31)
    customer = make.make_customer(cash=cash, now=bought)
    package = package_of(make.buy(customer.application, now=bought, **options))
    if mode != RenewalMode.REMIND:
        choose_renewal_mode(package=package, mode=mode, by=customer.owner, now=bought)
    return customer, package


def _fill() -> None:
    """A mix of everything that a sweep meets, and of what it has to leave alone."""
    auto = RenewalMode.AUTOMATIC
    # On its own: in time, with more licenses, isolated, too late, without money, short of a second.
    _package(12 * HOUR, mode=auto)
    _package(12 * HOUR, mode=auto, agents=3, sip=2, edition=Edition.PREMIUM, cash="9000")
    _package(-2 * DAY, mode=auto)
    _package(-9 * DAY, mode=auto)
    _package(12 * HOUR, mode=auto, cash="130")
    _package(-1 * DAY, mode=auto, cash="130")
    _package(-1 * DAY, mode=auto, unit=TermUnit.MONTH, agents=1)
    _package(30 * HOUR, mode=auto)
    # Two of one account, and money for one of them alone.
    bought = AS_OF + 12 * HOUR - timedelta(days=31)
    customer = make.make_customer(cash="330", now=bought)
    second = make.make_application(customer.account, now=bought)
    for application in (customer.application, second):
        package = package_of(make.buy(application, now=bought))
        choose_renewal_mode(package=package, mode=auto, by=customer.owner, now=bought)
    # By hand: to the second, and past both ends.
    for ends in (timedelta(0), timedelta(seconds=1), -1 * DAY, -7 * DAY, -8 * DAY, 3 * DAY):
        _package(ends, agents=2)
    # Restricted accounts: nothing is renewed, and no release is due.
    for measure in (Measure.SUSPEND, Measure.TERMINATE, Measure.BLOCK):
        for ends in (-1 * DAY, -9 * DAY):
            customer, _one = _package(ends, mode=auto)
            make.restrict(customer.account, measure, now=AS_OF + ends - HOUR)
    # Refund requests under review: the package is isolated and stays that.
    for ends in (-1 * DAY, -9 * DAY, 12 * HOUR):
        customer, package = _package(ends, mode=auto)
        asked_at = AS_OF + ends - timedelta(days=31) + HOUR
        place_refund_hold(
            account=customer.account, reason="Look", by=make.make_user(is_staff=True), now=asked_at
        )
        assert refund(package, now=asked_at, by=customer.owner).status == "pending"
    # Trials, and orders that no one paid.
    for age in (timedelta(days=14), timedelta(days=13), timedelta(days=15)):
        make.make_customer(now=AS_OF - age)
    for age in (timedelta(hours=24), timedelta(hours=23), timedelta(days=3)):
        customer = make.make_customer(now=AS_OF - age)
        assert make.buy(customer.application, agents=4, now=AS_OF - age).status == "unpaid"


@dataclass(frozen=True)
class Facts:
    """All that a sweep may touch, each row by its key."""

    packages: dict[int, tuple[Any, ...]]
    orders: dict[int, str]
    renewals: dict[int, Decimal]
    funds: dict[int, Decimal]
    licenses: Counter[int]
    events: int


def _read() -> Facts:
    return Facts(
        {
            pk: (state, expires_at)
            for pk, state, expires_at in Package.objects.values_list("pk", "state", "expires_at")
        },
        dict(Order.objects.exclude(kind="renewal").values_list("pk", "status")),
        {
            line.package_id: order.total
            for order in Order.objects.filter(kind="renewal")
            for line in order.lines.all()[:1]
            if line.package_id
        },
        dict(Fund.objects.values_list("account_id", "balance")),
        Counter(License.objects.live(AS_OF).values_list("package_id", flat=True)),
        AuditEvent.objects.count(),
    )


def _final(rows: list[dict[str, Any]], kind: str) -> dict[int, str]:
    """What is announced to stand in the end; a row may go through two states."""
    return {
        row["id"]: row["to_state"]
        for row in rows
        if row["kind"] == kind and row["change"] != "short_of_money"
    }


def test_the_run_does_what_the_dry_run_announced_row_by_row() -> None:
    _fill()
    before = _read()
    announced = json.loads(_run("--dry-run", "--json"))["rows"]
    assert _read() == before, "a dry run reads only"

    done = json.loads(_run("--json"))
    after = _read()

    assert done["failures"] == []
    changes = Counter(row["change"] for row in announced)
    short = {row["id"]: row["missing"] for row in announced if row["change"] == "short_of_money"}
    assert done["counts"] == {name: changes[name] for name in done["counts"]}
    assert {each["package"]: f"USD {each['missing']}" for each in done["short_of_money"]} == short
    renewed = {row["id"]: row["amount"] for row in announced if row["change"] == "renewed"}
    assert {pk: f"USD {total}" for pk, total in after.renewals.items()} == renewed
    # Every change has rows, or the comparison would say nothing about it.
    assert min(done["counts"].values()) > 0
    assert len(short) > 0

    changed = {
        pk: after.packages[pk][0]
        for pk in after.packages
        if after.packages[pk] != before.packages[pk]
    }
    assert changed == _final(announced, "package")
    moved = {pk for pk in after.packages if after.packages[pk][1] != before.packages[pk][1]}
    assert moved == set(renewed)
    assert {
        pk: status for pk, status in after.orders.items() if status != before.orders[pk]
    } == _final(announced, "order")


def test_money_and_licenses_are_what_was_announced() -> None:
    _fill()
    before = _read()
    rows = json.loads(_run("--dry-run", "--json"))["rows"]
    _run()
    after = _read()
    accounts = dict(Package.objects.values_list("pk", "account_id"))
    spent: Counter[int] = Counter()
    for row in rows:
        if row["change"] == "renewed":
            spent[accounts[row["id"]]] += Decimal(row["amount"].removeprefix("USD "))  # type: ignore[assignment]
    assert {pk: before.funds[pk] - after.funds[pk] for pk in after.funds} == {
        pk: spent[pk] or Decimal("0.00") for pk in after.funds
    }
    for row in rows:
        if row["kind"] == "package":
            counted = License.objects.filter(package=row["id"]).exclude(ends_at__lte=AS_OF)
            assert row["licenses"] == counted.count()
    unpaid = Order.objects.filter(status="expired")
    totals = {order.pk: f"USD {order.total}" for order in unpaid}
    assert totals == {row["id"]: row["amount"] for row in rows if row["kind"] == "order"}
    assert {row["licenses"] for row in rows if row["kind"] == "order"} == {4}


def test_the_table_says_the_same_as_the_json() -> None:
    _fill()
    rows = json.loads(_run("--dry-run", "--json"))["rows"]
    *lines, summary = _run("--dry-run").splitlines()
    shown = [(line.split()[0], int(line.split()[2]), line.split()[3]) for line in lines]
    assert shown == [(row["change"], row["id"], row["account"]) for row in rows]
    for line, row in zip(lines, rows, strict=True):
        said = f"{row['from_state']} → {row['to_state']}  licenses {row['licenses']}"
        said += f"  {row['amount']}" if row["amount"] else ""
        said += f"  missing {row['missing']}" if row["missing"] else ""
        assert line.endswith(said)
    assert summary == f"{len(rows)} changes as of {AS_OF.isoformat()}; nothing was changed."


def test_what_was_done_is_announced_no_more() -> None:
    _fill()
    _run()
    assert {row["change"] for row in json.loads(_run("--dry-run", "--json"))["rows"]} == {
        "short_of_money"
    }
    before = _read()
    _run()
    assert _read() == before
