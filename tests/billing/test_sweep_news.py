"""What a sweep writes down, and who is told: each change once, by the name that people know."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import AuditEvent, Notification
from accounts.services.letters import write
from accounts.wording import describe_event
from tests import factories as make
from tests.billing.acts import at, package_of, sweep
from tests.factories import DAY

pytestmark = pytest.mark.django_db

BOUGHT = at("2026-03-10 10:00:00")
EXPIRY = at("2026-04-10 10:00:00")


def _told() -> list[tuple[str, str]]:
    """Who was told of a sweep's changes, and of which."""
    news = ["trial_ended", "package_isolated", "package_released", "order_expired"]
    found = Notification.objects.filter(kind__in=news).order_by("user_id", "pk")
    return [(each.user.email, each.kind) for each in found.select_related("user")]


def _paying() -> tuple[make.Customer, list[str]]:
    """A customer with a package; who may spend for it. Others' members are there too."""
    customer = make.make_customer(cash="1000")
    finance = make.make_member(customer.account, Role.FINANCE)
    for role in (Role.AGENT_MANAGER, Role.VIEWER):
        make.make_member(customer.account, role)
    gone = make.make_member(customer.account, Role.FINANCE)
    gone.is_active = False
    gone.save()
    make.make_account(owner=make.make_user())
    return customer, [customer.owner.email, finance.email]


def test_those_who_may_spend_are_told_of_each_change_once() -> None:
    customer, readers = _paying()
    make.buy(customer.application, now=BOUGHT)
    for _run in range(2):
        sweep(EXPIRY)
    assert _told() == [(reader, "package_isolated") for reader in readers]
    for _run in range(2):
        sweep(EXPIRY + 7 * DAY)
    assert _told() == [
        (reader, kind) for reader in readers for kind in ("package_isolated", "package_released")
    ]


def _a_trial(customer: make.Customer) -> tuple[datetime, str]:
    return make.current_package(customer.application).expires_at, customer.application.name


def _a_package(customer: make.Customer) -> tuple[datetime, str]:
    package = package_of(make.buy(customer.application, now=BOUGHT))
    return package.expires_at, customer.application.name


def _a_released_package(customer: make.Customer) -> tuple[datetime, str]:
    expires_at, name = _a_package(customer)
    sweep(expires_at)
    return expires_at + 7 * DAY, name


def _an_unpaid_order(customer: make.Customer) -> tuple[datetime, str]:
    order = make.buy(customer.application, count=12, agents=20, now=BOUGHT)
    assert order.status == "unpaid"
    return order.expires_at, order.number


CHANGES = [
    pytest.param(_a_trial, "trial_ended", id="trial"),
    pytest.param(_a_package, "package_isolated", id="isolated"),
    pytest.param(_a_released_package, "package_released", id="released"),
    pytest.param(_an_unpaid_order, "order_expired", id="order"),
]


@pytest.mark.parametrize(("prepare", "kind"), CHANGES)
def test_the_news_name_the_thing_and_lead_to_it(prepare: object, kind: str) -> None:
    customer = make.make_customer(cash="1000")
    now, name = prepare(customer)  # type: ignore[operator]
    sweep(now)
    (told,) = Notification.objects.filter(kind=kind, user=customer.owner)
    words = write(told)
    assert name in f"{words.subject} {words.text}"
    assert "%(" not in words.text
    client = Client()
    client.force_login(customer.owner)
    assert client.get(told.path).status_code == 200


@pytest.mark.parametrize(("prepare", "kind"), CHANGES)
def test_the_audit_trail_names_what_a_sweep_changed(prepare: object, kind: str) -> None:
    customer = make.make_customer(cash="1000")
    now, name = prepare(customer)  # type: ignore[operator]
    sweep(now)
    event = AuditEvent.objects.filter(actor=None, at=now).latest("pk")
    label = name if kind == "order_expired" else str(customer.application)
    assert event.target_label == label
    assert label in describe_event(event)
    client = Client()
    client.force_login(customer.owner)
    trail = reverse("accounts:audit", kwargs={"uin": customer.account.uin})
    page = client.get(trail, {"text": name}).content.decode()
    assert describe_event(event) in page


def test_a_package_is_named_alike_by_a_sweep_and_by_a_person() -> None:
    customer = make.make_customer(cash="1000")
    package = package_of(make.buy(customer.application, now=BOUGHT))
    sweep(EXPIRY)
    events = AuditEvent.objects.filter(target_type="billing.package", target_id=package.pk)
    assert {event.target_label for event in events} == {str(customer.application)}
