"""Publishing prices: read whole, shown beside the present ones, approved, and withdrawable."""

import copy
import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import Refused
from accounts.models import AuditEvent, Proposal, User
from accounts.services.proposals import approve_proposal, propose
from billing.catalog.files import price_book_file
from billing.catalog.publishing import (
    publish_feature_table,
    publish_price_book,
    withdraw_price_book,
)
from billing.catalog.queries import find_price_book, find_prices
from billing.grants.coupons import define_promotion, end_promotion
from billing.models import FeatureTable, PriceBook
from tests import factories as make
from tests.approving import approve_waiting, by_two
from tests.compliance.pages import read as read_words
from tests.factories import DAY, NOW, make_staff

pytestmark = pytest.mark.django_db

DATA = Path(settings.BASE_DIR) / "billing/data"


def prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "price_book.json").read_text())
    return found


def dearer() -> dict[str, Any]:
    data = prices()
    data["packages"][0] |= {"monthly": "130.00", "annual": "1560.00"}
    return data


def publish(data: dict[str, Any], *, at: datetime = NOW + DAY) -> PriceBook:
    book: PriceBook = by_two(
        "price_book.publish", by=make_staff(), now=NOW, file=data, effective_at=at
    )
    return book


@pytest.fixture
def clerk(settings: Any) -> Client:
    settings.STAFF_SECOND_FACTOR = False
    user = make.make_user(is_staff=True)
    user.groups.add(Group.objects.get(name="Catalog"))
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, content: bytes, **data: Any) -> Any:
    file = BytesIO(content)
    file.name = "prices.json"
    at = (timezone.localtime() + DAY).strftime("%Y-%m-%dT%H:%M")
    form = {"file": file, "effective_at": at, "reason": "The new year", **data}
    return client.post(reverse("admin:billing_pricebook_add"), form)


# --- Two people --------------------------------------------------------------------------------


def test_one_person_publishes_no_price() -> None:
    for publish_it, file in (
        (publish_price_book, prices()),
        (publish_feature_table, json.loads((DATA / "feature_table.json").read_text())),
    ):
        with pytest.raises(Refused) as refused:
            publish_it(data=file, effective_at=NOW, by=make_staff(), now=NOW)
        assert refused.value.code == "second_person_needed"
    assert (PriceBook.objects.count(), FeatureTable.objects.count()) == (1, 1)


def test_one_person_neither_defines_nor_ends_a_promotion() -> None:
    promotion = make.make_promotion()
    terms = {"code": "mine", "name": "Mine", "starts_at": NOW, "ends_at": NOW + DAY}
    acts: list[Callable[[], object]] = [
        lambda: define_promotion(terms=terms, by=make_staff(), now=NOW),
        lambda: end_promotion(promotion=promotion, reason="x", by=make_staff(), now=NOW),
    ]
    for act in acts:
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "second_person_needed"
    by_two("promotion.end", target=promotion, by=make_staff(), now=NOW)
    promotion.refresh_from_db()
    assert promotion.ends_at == NOW


def test_two_publish_prices_and_the_trail_names_both() -> None:
    first, second = make_staff(), make_staff()
    book = by_two(
        "price_book.publish",
        by=first,
        second=second,
        now=NOW,
        file=dearer(),
        effective_at=NOW + DAY,
    )
    assert find_prices(NOW)[0].version == 1
    assert find_prices(NOW + DAY)[0] == book
    event = AuditEvent.objects.get(verb="price_book.published")
    assert (event.actor, event.data, event.reason) == (
        second,
        {"proposed_by": first.pk},
        "As it should be.",
    )


def test_the_second_person_sees_the_whole_book_and_what_it_changes(clerk: Client) -> None:
    assert send(clerk, json.dumps(dearer()).encode()).status_code == 302
    proposal = Proposal.objects.get()
    second = Client()
    second.force_login(make_staff())
    url = reverse("admin:accounts_proposal_act", args=[proposal.pk, "approve"])
    text = read_words(second.get(url))
    for shown in (
        "120.00 → 130.00 a month, 1440.00 → 1560.00 a year",
        "210.00 a month, 2520.00 a year",
        "The new year",
        "price book 1",
    ):
        assert shown in text
    # The first person reads the same, and who decides.
    own = read_words(clerk.get(reverse("admin:accounts_proposal_change", args=[proposal.pk])))
    assert "120.00 → 130.00 a month" in own
    assert "another person must decide it" in own
    assert PriceBook.objects.count() == 1


def test_prices_published_meanwhile_make_the_shown_difference_stale() -> None:
    proposal = propose(
        "price_book.publish",
        payload={"file": dearer(), "effective_at": NOW + DAY},
        reason="x",
        by=make_staff(),
        now=NOW,
    )
    publish(prices())
    with pytest.raises(Refused) as refused:
        approve_proposal(proposal=proposal, by=make_staff(), now=NOW)
    assert refused.value.code == "changed_meanwhile"


def test_a_book_approved_too_late_is_prepared_again() -> None:
    proposal = propose(
        "price_book.publish",
        payload={"file": dearer(), "effective_at": NOW + DAY},
        reason="x",
        by=make_staff(),
        now=NOW,
    )
    with pytest.raises(Refused) as refused:
        approve_proposal(proposal=proposal, by=make_staff(), now=NOW + 2 * DAY)
    assert refused.value.code == "in_the_past"


# --- Withdrawing -------------------------------------------------------------------------------


def test_prices_are_withdrawn_before_they_take_effect() -> None:
    book = publish(dearer())
    withdraw_price_book(book=book, reason="A typing error", by=make_staff(), now=NOW)
    later = NOW + 2 * DAY
    assert (find_price_book(later).version, find_prices(later)[0].version) == (1, 1)
    customer = make.make_customer(cash="200")
    assert make.buy(customer.application, now=later).total == Decimal("120.00")
    with pytest.raises(Refused) as refused:
        withdraw_price_book(book=book, reason="Again", by=make_staff(), now=NOW)
    assert refused.value.code == "withdrawn"
    event = AuditEvent.objects.get(verb="price_book.withdrawn")
    assert event.reason == "A typing error"
    with pytest.raises(DatabaseError), transaction.atomic():
        book.withdrawal.delete()


def test_prices_in_force_stay() -> None:
    book = publish(dearer())
    with pytest.raises(Refused) as refused:
        withdraw_price_book(book=book, reason="Late", by=make_staff(), now=NOW + DAY)
    assert refused.value.code == "in_force"
    assert find_price_book(NOW + DAY) == book


def test_the_desk_withdraws_a_book_and_shows_it(clerk: Client) -> None:
    send(clerk, json.dumps(dearer()).encode())
    approve_waiting()
    book = PriceBook.objects.get(version=2)
    url = reverse("admin:billing_pricebook_act", args=[book.pk, "withdraw"])
    answer = clerk.post(url, {"reason": "A typing error"}, follow=True)
    assert "A typing error" in read_words(answer)
    assert url not in answer.content.decode()


# --- The file ----------------------------------------------------------------------------------


def test_the_prices_in_force_are_downloaded_and_uploaded_again(clerk: Client) -> None:
    answer = clerk.get(reverse("admin:billing_pricebook_current"))
    assert answer["Content-Disposition"] == 'attachment; filename="price-book-1.json"'
    assert send(clerk, answer.content).status_code == 302
    approve_waiting()
    assert price_book_file(PriceBook.objects.get(version=2)) == answer.json()
    assert answer.json()["packages"] == prices()["packages"]
    assert Client().get(reverse("admin:billing_pricebook_current")).status_code == 302


def change(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return apply


def drop(*path: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return apply


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "no packages": (drop("packages"), "“packages” must be a list of objects."),
    "packages no list": (change("packages", to={}), "“packages” must be a list"),
    "a row no object": (change("additional", 0, to="x"), "“additional” must be a list"),
    "an unknown edition": (
        change("packages", 1, "edition", to="gold"),
        "packages 2: “edition” must be one of essential, premium.",
    ),
    "no item": (drop("additional", 2, "item"), "additional 3: “item” must be one of"),
    "a float": (
        change("packages", 0, "monthly", to=1.2),
        "packages 1: “monthly” must be an amount in quotes",
    ),
    "no price": (drop("packages", 0, "annual"), "packages 1: “annual” must be an amount"),
    "too large": (
        change("packages", 0, "annual", to="1e30"),
        "packages 1: “annual” must be an amount",
    ),
    "a count in words": (
        change("packages", 0, "included_agents", to="3"),
        "packages 1: “included_agents” must be a whole number.",
    ),
    "no trial": (drop("trial"), "“trial” is missing from the file."),
    "an unknown trial": (change("trial", "edition", to=7), "trial: “edition” must be one of"),
    "a currency in words": (change("currency", to="dollars"), "“currency” must be three capital"),
    "a note of numbers": (change("note", to=5), "“note” must be a text."),
    "an item twice": (
        lambda data: data["additional"].append(copy.deepcopy(data["additional"][0])),
        "A price book must price every item of both editions exactly once.",
    ),
    "a wrong annual price": (
        change("packages", 0, "annual", to="1441.00"),
        "The annual price must be exactly 12 times the monthly price",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_with_a_file_is_said_beside_its_field(
    clerk: Client, spoil: Callable[[dict[str, Any]], None], words: str
) -> None:
    data = prices()
    spoil(data)
    answer = send(clerk, json.dumps(data).encode())
    assert answer.status_code == 422
    (error,) = answer.context["form"].errors["file"]
    assert words in error
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff\xfe", b"[]", b'{"note": NaN}', b'{"note": "\\u0000"}', b'{"note": "\\ud800"}'],
    ids=["cut off", "no text", "a list", "NaN", "NUL", "half a character"],
)
def test_what_is_no_catalog_is_refused_beside_its_field(clerk: Client, content: bytes) -> None:
    answer = send(clerk, content)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["file"]
    assert not Proposal.objects.exists()


def test_catalog_staff_read_of_catalog_and_of_no_customer(clerk: Client) -> None:
    customer = make.make_customer()
    publish(dearer())
    trail = clerk.get(reverse("admin:accounts_auditevent_changelist"))
    verbs = {event.verb for event in trail.context["cl"].result_list}
    assert verbs == {"price_book.published"}
    own = AuditEvent.objects.filter(account=customer.account).first()
    assert own is not None
    page = clerk.get(reverse("admin:accounts_auditevent_change", args=[own.pk]))
    assert page.status_code == 302
    admin = User.objects.create_superuser("root@example.com", make.PASSWORD)
    clerk.force_login(admin)
    page = clerk.get(reverse("admin:accounts_auditevent_change", args=[own.pk]))
    assert page.status_code == 200
