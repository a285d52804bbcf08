"""Whether a request can be carried out, judged on rows and `now`; to quote and to fulfill it.

Everything here reads. Under the account's lock the answer stays true until the transaction
ends, so `billing.orders.services` asks again right before it writes.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from accounts.services.tenants import require_good_standing
from billing.calendar import billing_zone, expiry, months_in
from billing.catalog.pricing import PricingError, check_quantities, check_term
from billing.enums import Edition, OrderKind, PackageState
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageReader, PackageSnapshot
from billing.packages.models import Package
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove

_EXTENDABLE = PACKAGE_TRANSITIONS.sources(PackageMove.EXTEND)
_BOUGHT_ON = PACKAGE_TRANSITIONS.sources(PackageMove.PURCHASE)
_UPGRADABLE = PACKAGE_TRANSITIONS.sources(PackageMove.UPGRADE)
_RENEWABLE = PACKAGE_TRANSITIONS.sources(PackageMove.RENEW)


def _require_unlocked(snapshots: Iterable[PackageSnapshot]) -> None:
    if any(snapshot.is_under_review for snapshot in snapshots):
        raise Refused(
            _("A refund of this package is under review, so the package cannot be changed."),
            code="refund_pending",
        )


def _require_live(snapshot: PackageSnapshot | None, edition: Edition | None) -> PackageSnapshot:
    """Return the package if it is live and, where an edition is named, of that edition."""
    if snapshot is None or snapshot.state not in _EXTENDABLE:
        raise Refused(
            _("This requires a package in service. Buy or renew the application's package first."),
            code="no_live_package",
            field="application",
        )
    if edition is not None and snapshot.package.edition != edition:
        raise Refused(
            _("Additional licenses must have the package's edition, %(edition)s.")
            % {"edition": snapshot.package.get_edition_display()},
            code="other_edition",
            field="edition",
        )
    _require_unlocked([snapshot])
    return snapshot


def _check_ending(ids: tuple[int, ...], snapshot: PackageSnapshot) -> None:
    known = {license.pk for license in snapshot.bought}
    if not set(ids) <= known or len(set(ids)) != len(ids):
        raise Refused(
            _("You can leave out only additional licenses of this package, and each only once."),
            code="bad_ending",
            field="ending",
        )


def _judge_new(
    account: Account, order_request: OrderRequest, now: datetime, reader: PackageReader
) -> list[PackageSnapshot]:
    snapshot = reader.find(account, order_request.application, now)
    if snapshot is None:
        return []
    if snapshot.state == PackageState.RELEASED:
        return [snapshot]
    _require_unlocked([snapshot])
    if snapshot.state not in _BOUGHT_ON:
        raise Refused(
            _("This application already has a package. Renew, extend or upgrade it instead."),
            code="has_package",
            field="application",
        )
    _check_ending(order_request.ending, snapshot)
    kept = len(snapshot.bought) - len(order_request.ending)
    if kept > order_request.agents:
        raise Refused(
            _(
                "The trial has %(kept)d additional agent licenses. "
                "Buy as many, or choose which ones end."
            )
            % {"kept": kept},
            code="trial_licenses_left_over",
            field="agents",
        )
    return [snapshot]


def _judge_additional(
    account: Account, order_request: OrderRequest, now: datetime, reader: PackageReader
) -> list[PackageSnapshot]:
    snapshot = _require_live(
        reader.find(account, order_request.application, now), order_request.edition
    )
    if order_request.agents + order_request.sip < 1:
        raise Refused(_("Choose at least one license."), code="nothing_asked", field="agents")
    if snapshot.state == PackageState.TRIAL and order_request.sip:
        raise Refused(
            _("SIP telephone licenses need a paid package, not a trial."),
            code="sip_on_trial",
            field="sip",
        )
    return [snapshot]


def _judge_upgrade(
    account: Account, order_request: OrderRequest, now: datetime, reader: PackageReader
) -> list[PackageSnapshot]:
    snapshot = _require_live(reader.find(account, order_request.application, now), None)
    if snapshot.state not in _UPGRADABLE:
        raise Refused(
            _(
                "A trial cannot be upgraded. Buy the Premium package instead: it "
                "takes over from the trial."
            ),
            code="upgrade_of_trial",
        )
    if order_request.edition != Edition.PREMIUM or snapshot.package.edition != Edition.ESSENTIAL:
        raise Refused(
            _("Only Essential can be upgraded, to Premium. You cannot downgrade during a term."),
            code="not_an_upgrade",
            field="edition",
        )
    return [snapshot]


def _require_future(package: Package, order_request: OrderRequest, now: datetime) -> None:
    """Refuse a renewal that would be over before it is bought.

    It starts at the old expiry, and a package of a restricted account may wait long
    (ADR 0036).
    """
    months = package.months + months_in(*order_request.term_of(package.pk))
    if expiry(package.anchor_at, months, billing_zone(), package.extension) <= now:
        raise Refused(
            _(
                "After this renewal, the package of “%(name)s” would already have "
                "expired. Choose more terms."
            )
            % {"name": package.application.name},
            code="renewal_over",
            field=f"count_{package.pk}",
        )


def _judge_renewal(
    account: Account, order_request: OrderRequest, now: datetime, reader: PackageReader
) -> list[PackageSnapshot]:
    ids = [renewed.package for renewed in order_request.renewed]
    if not ids or Counter(ids).most_common(1)[0][1] > 1:
        raise Refused(
            _("Choose the packages to renew, each only once."),
            code="nothing_asked",
            field="packages",
        )
    snapshots = reader.find_all(account, ids, now)
    if len(snapshots) != len(ids):
        raise Refused(_("Choose packages of this account."), code="no_package", field="packages")
    for snapshot, renewed in zip(snapshots, order_request.renewed, strict=True):
        if snapshot.state not in _RENEWABLE:
            raise Refused(
                _("The package of “%(name)s” can no longer be renewed. Buy a new one.")
                % {"name": snapshot.package.application.name},
                code="not_renewable",
                field="packages",
            )
        _check_ending(renewed.ending, snapshot)
        _require_future(snapshot.package, order_request, now)
    _require_unlocked(snapshots)
    return snapshots


_JUDGES = {
    OrderKind.NEW: _judge_new,
    OrderKind.ADDITIONAL: _judge_additional,
    OrderKind.UPGRADE: _judge_upgrade,
    OrderKind.RENEWAL: _judge_renewal,
}


def _check_bounds(order_request: OrderRequest) -> None:
    try:
        check_quantities(order_request.agents, order_request.sip, settings.ORDER_LICENSE_LIMIT)
        check_term(order_request.unit, order_request.count)
    except PricingError as error:
        raise Refused(error.message, code="bad_quantity", field=error.field) from error
    for renewed in order_request.renewed:
        try:
            check_term(renewed.unit, renewed.count)
        except PricingError as error:
            field = f"{error.field}_{renewed.package}"
            raise Refused(error.message, code="bad_quantity", field=field) from error


@dataclass(frozen=True)
class EligiblePackages:
    """What a request builds on: `snapshots`, and `superseded` ones, whose place a new one takes.

    A superseded package is over by now, and not recorded so.
    """

    snapshots: tuple[PackageSnapshot, ...]
    superseded: tuple[PackageSnapshot, ...] = ()


def check_eligibility(
    account: Account, order_request: OrderRequest, reader: PackageReader, now: datetime
) -> EligiblePackages:
    """Return the packages that the request builds on, or raise Refused with reason and form field.

    A new purchase builds on a running trial, or on nothing. Where the reader locks, for which the
    caller holds the account's lock, the packages stay as they are until the transaction ends.
    """
    require_good_standing(account)
    _check_bounds(order_request)
    judged = _JUDGES[order_request.kind](account, order_request, now, reader)
    if judged and judged[0].state == PackageState.RELEASED:
        return EligiblePackages(snapshots=(), superseded=tuple(judged))
    return EligiblePackages(snapshots=tuple(judged))
