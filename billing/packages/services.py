"""What staff record about a package: facts that rules ask for, and time made good."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Proposal, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_approval, require_outsider
from accounts.services.tenants import lock_account, require_good_standing
from billing.calendar import billing_zone, expiry
from billing.enums import PackageKind, RenewalMode
from billing.packages.lifecycle import find_under_review, settle_package
from billing.packages.models import License, Package
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove


def _lock(package: Package) -> Package:
    """Lock the package's account and the package, and read it again."""
    account = lock_account(package.account_id)
    current = Package.objects.select_for_update(no_key=True).get(pk=package.pk)
    current.account = account
    return current


@transaction.atomic
def mark_switched_from_postpaid(
    *,
    package: Package,
    is_switched: bool,
    reason: str,
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Package:
    """Record whether a package was switched from postpaid, which bars its full refund (guide).

    It takes two people.
    """
    data = require_approval(approval, "package.postpaid", by=by, now=now)
    current = _lock(package)
    require_outsider(by=by, account=current.account, now=now)
    if current.is_switched_from_postpaid == is_switched:
        raise Refused(_("This has already been recorded."), code="no_change")
    current.is_switched_from_postpaid = is_switched
    current.save(update_fields=["is_switched_from_postpaid"])
    event = Event(
        verb="package.postpaid_switch_recorded",
        target=current,
        to_state="switched" if is_switched else "not switched",
        reason=reason,
        data=data,
    )
    record([event], account=current.account, by=by, now=now)
    return current


@transaction.atomic
def extend_package(
    *,
    package: Package,
    by_time: timedelta,
    reason: str,
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Package:
    """Give a package time back that it lost; its licenses that end with it move along.

    It takes two people. Raises Refused for a trial, for one that is over, and for a time that is
    not above zero.
    """
    approved = require_approval(approval, "package.extend", by=by, now=now)
    current = settle_package(_lock(package), account=package.account, by=by, now=now)
    require_outsider(by=by, account=package.account, now=now)
    if by_time <= timedelta(0):
        raise Refused(_("Enter a time greater than zero."), code="no_time", field="days")
    returnable = PACKAGE_TRANSITIONS.sources(PackageMove.RETURN_TIME)
    if current.kind != PackageKind.PAID or current.state not in returnable:
        raise Refused(_("Only a paid package that has not ended can be extended."), code="not_live")
    was, was_until = current.state, current.expires_at
    current.extension += by_time
    current.expires_at = expiry(
        current.anchor_at, current.months, billing_zone(), current.extension
    )
    is_ahead = now < current.expires_at
    move = PackageMove.RETURN_TIME if is_ahead else PackageMove.RETURN_TOO_LITTLE
    current.state = PACKAGE_TRANSITIONS.target(move)
    current.save(update_fields=["extension", "expires_at", "state"])
    # A license that a renewal left out ends at what was an expiry; lost time is its loss too.
    for license in License.objects.filter(package=current, ends_at__gt=now):
        license.ends_at = (license.ends_at or now) + by_time
        license.save(update_fields=["ends_at"])
    event = Event(
        verb="package.time_returned",
        target=current,
        from_state=was,
        to_state=current.state,
        reason=reason,
        data={
            "seconds": int(by_time.total_seconds()),
            "from": was_until.isoformat(),
            "to": current.expires_at.isoformat(),
            **approved,
        },
    )
    record([event], account=current.account, by=by, now=now)
    return current


@transaction.atomic
def choose_renewal_mode(*, package: Package, mode: str, by: User | None, now: datetime) -> Package:
    """Set what happens as the expiry nears.

    Raises Refused for a restricted account, for a trial, for one that is over, and while a refund
    is under review.
    """
    current = _lock(package)
    require_good_standing(current.account)
    current = settle_package(current, account=current.account, by=by, now=now)
    if current.state not in PACKAGE_TRANSITIONS.sources(PackageMove.CHOOSE_RENEWAL):
        raise Refused(_("Only a paid package that has not ended can be renewed."), code="not_live")
    if find_under_review([current]):
        raise Refused(
            _("A refund of this package is under review, so the package cannot be changed."),
            code="refund_pending",
        )
    was, current.renewal_mode = current.renewal_mode, RenewalMode(mode)
    if was != current.renewal_mode:
        current.save(update_fields=["renewal_mode"])
        event = Event(
            verb="package.renewal_mode_chosen",
            target=current,
            from_state=was,
            to_state=current.renewal_mode,
        )
        record([event], account=current.account, by=by, now=now)
    return current
