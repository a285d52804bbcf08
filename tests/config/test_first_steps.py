"""The way of a new account on its start page: what is done is ticked, what is next has a button."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.enums import Role
from accounts.models import Account
from tests.factories import (
    NOW,
    Customer,
    buy,
    current_package,
    fund_account,
    licenses_of,
    make_account,
    make_agent,
    make_application,
    make_connection_request,
    make_member,
)

pytestmark = pytest.mark.django_db


def steps_of(account: Account, role: Role = Role.OWNER) -> list[tuple[str, str]]:
    """Each step's title with its button's words, `Done`, or nothing."""
    client = Client()
    client.force_login(account.memberships.filter(role=role).get().user)
    html = client.get(f"/console/{account.uin}/").content.decode()
    found = re.search(r'<ol class="checks steps">(.*?)</ol>', html, re.DOTALL)
    if not found:
        return []
    rows = re.findall(r"<li.*?</li>", found[1], re.DOTALL)
    return [
        (
            re.findall(r"<strong>(.*?)</strong>", row)[0],
            next(iter(re.findall(r'<a class="button[^>]*>(.*?)</a>', row)), "")
            or ("Done" if "(done)" in row else ""),
        )
        for row in rows
    ]


def test_a_new_account_starts_with_its_first_application() -> None:
    assert steps_of(make_account()) == [
        ("Activate an application", "Activate an application"),
        ("Declare your business", ""),
        ("Add the agents", ""),
        ("Assign licenses", ""),
    ]


def test_a_trial_ticks_the_first_step_and_opens_the_others() -> None:
    account = make_account()
    make_application(account, now=timezone.now())

    assert steps_of(account) == [
        ("Get licenses: by the trial, or by a package", "Done"),
        ("Declare your business", "Request a connection"),
        ("Add the agents", "Add agents"),
        ("Assign licenses", "Assign licenses"),
    ]


def test_after_the_trial_the_first_step_is_buying() -> None:
    account = make_account()
    make_application(account, now=NOW)

    with time_machine.travel(NOW + timedelta(days=20), tick=False):
        assert steps_of(account)[0] == (
            "Get licenses: by the trial, or by a package",
            "Buy a package",
        )
        fund_account(account, cash="500")
        buy(account.applications.get(), now=timezone.now())
        assert steps_of(account)[0] == ("Get licenses: by the trial, or by a package", "Done")


def test_in_isolation_the_first_step_is_renewing_and_after_the_release_buying() -> None:
    account = make_account()
    fund_account(account, cash="500")
    application = make_application(account, now=NOW)
    buy(application, now=NOW)
    expiry = current_package(application).expires_at
    for days, button in ((1, "Renew"), (7, "Buy a package")):
        with time_machine.travel(expiry + timedelta(days=days), tick=False):
            assert steps_of(account)[0] == ("Get licenses: by the trial, or by a package", button)


def test_the_way_ends_where_everything_is_done() -> None:
    account = make_account()
    application = make_application(account, now=timezone.now())
    owner = account.memberships.get().user
    make_connection_request(Customer(owner, account, application), now=timezone.now())
    assert steps_of(account)[1] == ("Declare your business", "Done")

    make_agent(application, now=timezone.now())
    assert [button for _title, button in steps_of(account)] == [
        "Done",
        "Done",
        "Done",
        "Assign licenses",
    ]
    license = licenses_of(current_package(application))[0]
    make_agent(application, now=timezone.now(), license=license)

    assert steps_of(account) == []


def test_who_may_not_do_a_step_is_told_who_may() -> None:
    account = make_account()
    make_member(account, Role.VIEWER)

    assert [button for _title, button in steps_of(account, Role.VIEWER)] == ["", "", "", ""]


def test_a_restricted_account_has_another_way() -> None:
    account = make_account()
    Account.objects.filter(pk=account.pk).update(status="suspended")

    assert steps_of(account) == []


def test_a_chart_stands_there_from_the_first_order_on() -> None:
    account = make_account()
    fund_account(account, cash="500", now=timezone.now())
    application = make_application(account, now=timezone.now())
    client = Client()
    client.force_login(account.memberships.get().user)
    url = f"/console/{account.uin}/"
    words, chart = "Your monthly spending will appear here", '<svg class="chart'

    before = client.get(url).content.decode()
    buy(application, now=timezone.now())
    after = client.get(url).content.decode()

    assert (words in before, chart in before) == (True, False)
    assert (words in after, chart in after) == (False, True)


@pytest.mark.parametrize(("isolation", "refund"), [(7, 5), (9, 3)])
def test_the_words_of_a_package_are_explained_with_the_settings_days(
    settings: Any, isolation: int, refund: int
) -> None:
    settings.ISOLATION_DAYS, settings.REFUND_WINDOW_DAYS = isolation, refund
    account = make_account()
    application = make_application(account, now=timezone.now())
    client = Client()
    client.force_login(account.memberships.get().user)
    base = f"/console/{account.uin}/applications/{application.sdkappid}"

    for path in (f"{base}/agents/", f"{base}/buy/"):
        html = client.get(path).content.decode()
        assert f"For {isolation} days after its expiry a paid package is isolated" in html
        assert f"until the end of day {refund} after its purchase" in html
        assert 'href="/refunds/"' in html
