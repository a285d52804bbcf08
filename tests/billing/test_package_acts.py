"""What a package may be offered next: a table, and the services that decide agree with it."""

from collections.abc import Callable
from datetime import datetime

import pytest

from accounts.errors import Refused
from accounts.models import Account
from billing.enums import Edition, OrderKind, PackageState, RenewalMode
from billing.models import Package
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.packages.acts import PackageAct, acts_for
from billing.packages.services import choose_renewal_mode
from billing.packages.status import read_status
from tests import factories as make
from tests.billing.acts import ask_for_review, at, fresh, package_of, refund
from tests.factories import DAY, SECOND

BOUGHT = at("2026-03-10 10:00:00")
EXPIRY = at("2026-04-10 10:00:00")

BUY, ADD, RENEW, UPGRADE = PackageAct.BUY, PackageAct.ADD, PackageAct.RENEW, PackageAct.UPGRADE
REFUND, CHOOSE = PackageAct.REFUND, PackageAct.CHOOSE_RENEWAL


@pytest.mark.parametrize(
    ("state", "edition", "expected"),
    [
        pytest.param(None, "", {BUY}, id="no package"),
        pytest.param(PackageState.TRIAL, "essential", {BUY, ADD}, id="trial"),
        pytest.param(
            PackageState.ACTIVE, "essential", {ADD, RENEW, UPGRADE, REFUND, CHOOSE}, id="essential"
        ),
        pytest.param(PackageState.ACTIVE, "premium", {ADD, RENEW, REFUND, CHOOSE}, id="premium"),
        pytest.param(PackageState.ISOLATED, "essential", {RENEW, REFUND, CHOOSE}, id="isolated"),
        pytest.param(PackageState.RELEASED, "essential", {BUY}, id="released"),
        pytest.param(PackageState.REFUNDED, "essential", {BUY}, id="refunded"),
    ],
)
def test_what_fits_a_state(
    state: PackageState | None, edition: str, expected: set[PackageAct]
) -> None:
    assert acts_for(state=state, edition=edition) == expected
    assert acts_for(state=state, edition=edition, is_under_review=True) == set()
    assert acts_for(state=state, edition=edition, is_restricted=True) == set()


def _ask(act: PackageAct, package: Package) -> OrderRequest:
    application = package.application_id
    asks: dict[PackageAct, Callable[[], OrderRequest]] = {
        BUY: lambda: OrderRequest(
            kind=OrderKind.NEW, application=application, edition=Edition.ESSENTIAL
        ),
        ADD: lambda: OrderRequest(kind=OrderKind.ADDITIONAL, application=application, agents=1),
        RENEW: lambda: OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),)),
        UPGRADE: lambda: OrderRequest(
            kind=OrderKind.UPGRADE, application=application, edition=Edition.PREMIUM
        ),
    }
    return asks[act]()


def _is_accepted(act: PackageAct, package: Package, now: datetime) -> bool:
    """Say whether the service behind an act accepts it."""
    account = Account.objects.get(pk=package.account_id)
    try:
        if act == CHOOSE:
            choose_renewal_mode(package=package, mode=RenewalMode.REMIND, by=None, now=now)
        else:
            confirmable_quote(account=account, order_request=_ask(act, package), now=now)
    except Refused:
        return False
    return True


def _trial() -> tuple[Package, datetime]:
    customer = make.make_customer(cash="1000", now=BOUGHT)
    return make.current_package(customer.application), BOUGHT


def _paid(edition: Edition = Edition.ESSENTIAL) -> Package:
    customer = make.make_customer(cash="5000", now=BOUGHT)
    return package_of(make.buy(customer.application, edition, now=BOUGHT))


def _reviewed() -> tuple[Package, datetime]:
    package = _paid()
    ask_for_review(package, now=BOUGHT)
    return package, BOUGHT + DAY


def _reviewed_past_expiry() -> tuple[Package, datetime]:
    package, _now = _reviewed()
    return package, EXPIRY + 20 * DAY


def _refunded() -> tuple[Package, datetime]:
    package = _paid()
    assert refund(package, now=BOUGHT).status == "done"
    return package, BOUGHT + DAY


def _suspended() -> tuple[Package, datetime]:
    package = _paid()
    make.restrict(package.account, now=BOUGHT)
    return package, BOUGHT + DAY


SCENES = [
    pytest.param(_trial, id="trial"),
    pytest.param(lambda: (_paid(), BOUGHT), id="active"),
    pytest.param(lambda: (_paid(Edition.PREMIUM), BOUGHT), id="premium"),
    pytest.param(lambda: (_paid(), EXPIRY - SECOND), id="the last second"),
    pytest.param(lambda: (_paid(), EXPIRY), id="isolated, not swept"),
    pytest.param(lambda: (_paid(), EXPIRY + 7 * DAY - SECOND), id="the last second of isolation"),
    pytest.param(lambda: (_paid(), EXPIRY + 7 * DAY), id="released, not swept"),
    pytest.param(_reviewed, id="under review"),
    pytest.param(_reviewed_past_expiry, id="under review, long expired"),
    pytest.param(_refunded, id="refunded"),
    pytest.param(_suspended, id="of a suspended account"),
]


@pytest.mark.django_db
@pytest.mark.parametrize("scene", SCENES)
def test_what_is_offered_is_what_the_services_accept(
    scene: Callable[[], tuple[Package, datetime]],
) -> None:
    package, now = scene()
    package = fresh(package)
    offered = read_status(package, package.account, now).acts - {REFUND}
    accepted = {act for act in PackageAct if act != REFUND and _is_accepted(act, package, now)}
    assert offered == accepted
