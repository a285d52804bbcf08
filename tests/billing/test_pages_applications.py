"""Activating applications, and what each may use."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client

from accounts.enums import Measure
from accounts.models import Application
from accounts.text import mask_name
from billing.enums import Edition, PackageState
from billing.packages import features
from billing.packages.features import FeatureState, features_for
from tests.factories import (
    NOW,
    Customer,
    buy,
    current_package,
    make_account,
    make_application,
    make_customer,
    restrict,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
HTMX = {"HX-Request": "true"}


def text(html: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.decode())).replace("\u00a0", " ")


# --- Activating ------------------------------------------------------------------------------


@pytest.fixture
def fresh() -> tuple[Client, str]:
    """The owner of an account without applications, and the address to activate one."""
    account = make_account()
    client = Client()
    client.force_login(account.memberships.get().user)
    return client, f"/console/{account.uin}/applications/activate/"


def test_the_dialog_tells_of_the_trial_with_its_exact_end(fresh: tuple[Client, str]) -> None:
    client, path = fresh

    words = text(client.get(path, headers=HTMX).content)

    assert "It includes a free trial: 3 Essential agent licenses for 14 days." in words
    assert "it ends at 24 Mar 2026, 10:00:00 UTC+8" in words


def test_activating_grants_the_trial_and_leads_to_the_application(
    fresh: tuple[Client, str],
) -> None:
    client, path = fresh

    answer = client.post(path, {"name": "Sales hotline"}, headers=HTMX)

    application = Application.objects.get()
    package = current_package(application)
    assert answer["HX-Redirect"].endswith(f"/applications/{application.sdkappid}/")
    assert (package.state, package.licenses.count()) == (PackageState.TRIAL, 3)


def test_a_second_application_has_no_trial_and_is_told_so(fresh: tuple[Client, str]) -> None:
    client, path = fresh
    client.post(path, {"name": "Sales hotline"})

    assert "This account has already used its trial." in text(client.get(path).content)
    client.post(path, {"name": "Service hotline"})
    assert not Application.objects.get(name="Service hotline").packages.exists()


def test_a_name_that_is_taken_is_refused_beside_its_field(fresh: tuple[Client, str]) -> None:
    client, path = fresh
    client.post(path, {"name": "Sales hotline"})

    answer = client.post(path, {"name": "Sales hotline"})

    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"name"})


# --- Features --------------------------------------------------------------------------------


@pytest.fixture
def customer() -> Customer:
    return make_customer(cash="500")


def states(application: Application) -> dict[str, int]:
    """How many features are in each state, and that there are 43 of them."""
    found = Counter(use.state.value for use in features_for(application, NOW))
    assert sum(found.values()) == 43
    return dict(found)


def test_calling_features_wait_for_an_approved_request(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = states(customer.application)
    monkeypatch.setattr(features, "has_approved_connection", lambda application_id: True)
    connected = states(customer.application)

    assert set(waiting) == {"usable", "waiting", "other_edition"}
    assert set(connected) == {"usable", "other_edition"}
    assert connected["usable"] == waiting["usable"] + waiting["waiting"]


def test_premium_has_every_feature(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "has_approved_connection", lambda application_id: True)
    buy(customer.application, Edition.PREMIUM)

    assert states(customer.application) == {"usable": 43}


def test_nothing_is_usable_without_a_live_package(customer: Customer) -> None:
    bare = make_application(customer.account)
    buy(customer.application, now=NOW - timedelta(days=31))

    assert states(bare) == {"no_package": 43}
    assert states(customer.application) == {"no_package": 43}


def test_nothing_is_usable_while_the_account_is_restricted(customer: Customer) -> None:
    restrict(customer.account, Measure.SUSPEND)
    application = Application.objects.select_related("account").get(pk=customer.application.pk)

    assert set(states(application)) == {"restricted", "other_edition"}


def test_binding_a_sip_telephone_is_premium_only(customer: Customer) -> None:
    def binding() -> FeatureState:
        uses = features_for(customer.application, NOW)
        return next(use.state for use in uses if use.feature.key == "sip_bind_agent")

    before = binding()
    buy(customer.application, Edition.PREMIUM)

    assert (before, binding()) == (FeatureState.OTHER_EDITION, FeatureState.USABLE)


# --- The page --------------------------------------------------------------------------------


def buttons(customer: Customer) -> list[str]:
    client = Client()
    client.force_login(customer.owner)
    base = f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}/"
    html = client.get(base).content.decode()
    return re.findall(rf'class="button[^"]*" href="{base}(\w+)/">[A-Z]', html)


def test_the_page_offers_what_fits_the_package(customer: Customer) -> None:
    offered = {"trial": buttons(customer)}
    buy(customer.application)
    offered["essential"] = buttons(customer)
    restrict(customer.account, Measure.SUSPEND)
    offered["suspended"] = buttons(customer)

    assert offered == {
        "trial": ["buy", "add", "agents"],
        "essential": ["add", "renew", "upgrade", "agents"],
        "suspended": ["agents"],
    }


# --- Masked names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Harbour Retail", "H***l"),
        ("  Harbour Retail ", "H***l"),
        ("Abcde", "A***e"),
        ("Abcd", "A***"),
        ("A", "A***"),
        ("", "***"),
        ("   ", "***"),
        ("深圳市腾讯", "深***讯"),
        ("张三", "张***"),
    ],
)
def test_a_name_is_masked(name: str, masked: str) -> None:
    assert mask_name(name) == masked
