"""A fixed sample of hostile requests; all 20,000 in the nightly run."""

import pytest

from tests import pages
from tests.hostile import Targets, attack, find_targets
from tests.tiers import sample
from tests.visits import find_places, open_demo

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SEED = 1


def test_no_request_breaks_the_console() -> None:
    count = sample(300, 20_000)

    with open_demo() as demo:
        targets = find_targets(demo, find_places(demo))
        tally = attack(demo, targets, numbers=range(count), seed=SEED)
        signed_in = [demo.is_signed_in(email) for email in (*pages.OWNERS, pages.STAFF)]

    assert_aimed_everywhere(targets)
    assert tally.failures == [], tally.report()
    assert tally.requests == count
    # Else the answers would say nothing: hostile values must come as far as the views.
    assert tally.share_reached > 0.8
    assert min(tally.kinds[who] for who in ("customer", "staff", "anonymous")) > count / 40
    assert all(signed_in)


def assert_aimed_everywhere(targets: Targets) -> None:
    """Fail where reading the forms and links has missed some that are known."""
    fields = {(target.place.name, target.name) for target in targets.fields}
    queries = {(target.place.name, target.name) for target in targets.queries}

    assert {
        ("accounts:rename", "name"),
        ("agents:add", "staff_number"),
        ("agents:assign", "expected"),
        ("billing:add", "agents"),
        ("compliance:request_connection", "expected_volume"),
        ("account_login", "login"),
        ("set_theme", "next"),
        ("admin:billing_credit_add", "amount"),
        ("admin:accounts_account_act#restrict", "reason"),
    } <= fields
    assert {
        ("agents:management", "search"),
        ("billing:statement", "since"),
        ("accounts:audit", "who"),
        ("admin:billing_order_changelist", "q"),
        ("admin:billing_order_changelist", "status__exact"),
    } <= queries
    assert len(fields) > 400
