"""Whether an ask can be carried out, judged on rows and `now`; used to quote and to deliver.

Everything here reads. Under the account's lock the answer stays true until the transaction
ends, so `orders` asks again right before it writes.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application
from accounts.services.tenants import require_good_standing
from billing.calendar import billing_zone, expiry, months_in
from billing.catalog.pricing import PricingError, check_quantities, check_term
from billing.enums import (
    Edition,
    LicenseKind,
    LicenseSource,
    OrderKind,
    PackageState,
)
from billing.model_queries import Rows
from billing.orders.request import OrderRequest
from billing.packages.lifecycle import derive_states, find_under_review
from billing.packages.models import Package
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove, sources


class LicenseSnapshot(NamedTuple):
    """What an order needs of a license; a package may have ten thousand, so it is no model."""

    package_id: int
    pk: int
    kind: str
    source: str
    ends_at: datetime | None

    @property
    def label(self) -> str:
        """The license's kind and number, as pages show it."""
        return f"{LicenseKind(self.kind).label} #{self.pk}"


@dataclass(frozen=True)
class PackageSnapshot:
    """A package as an order finds it, with its licenses that have not ended.

    While a refund of it is under review, it cannot change.
    """

    package: Package
    state: PackageState
    licenses: tuple[LicenseSnapshot, ...]
    is_under_review: bool = False

    def count(self, kind: LicenseKind, source: LicenseSource | None = None) -> int:
        """Count licenses of a kind that go on as long as the package."""
        return sum(
            1
            for license in self.licenses
            if license.kind == kind
            and license.ends_at is None
            and (source is None or license.source == source)
        )

    def count_now(self, kind: LicenseKind) -> int:
        """Count all licenses of a kind: those that end later count until they end."""
        return sum(1 for license in self.licenses if license.kind == kind)

    @property
    def bought(self) -> list[LicenseSnapshot]:
        """The additional licenses that go on as long as the package."""
        return [
            license
            for license in self.licenses
            if license.source == LicenseSource.BOUGHT and license.ends_at is None
        ]


#: Packages with application, and whether a refund is under review, and so no change allowed.
_PACKAGES = """
    SELECT {p}, {a}, EXISTS (
        SELECT FROM billing_refund r WHERE r.package_id = p.id AND r.status = 'pending'
    )
    FROM billing_package p JOIN accounts_application a ON a.id = p.application_id
    WHERE p.account_id = %s AND"""
_CURRENT = f"""{_PACKAGES} p.application_id = %s AND p.state IN ('trial', 'active', 'isolated')"""
_BY_KEY = f"""{_PACKAGES} p.id = ANY(%s) ORDER BY p.id"""
#: A sweep that is noticing an expiry writes to the package without the account's lock.
_LOCK = " FOR NO KEY UPDATE OF p"
_LICENSES = Rows(
    """
    SELECT l.package_id, l.id, l.kind, l.source, l.ends_at FROM billing_license l
    WHERE l.account_id = %s AND l.package_id = ANY(%s) AND (l.ends_at IS NULL OR l.ends_at > %s)
    ORDER BY l.id
    """
)


def _rows(text: str) -> dict[bool, Rows]:
    """Return the reading of packages without locking them (False), and with it (True)."""
    return {
        False: Rows(text, p=Package, a=Application),
        True: Rows(text + _LOCK, p=Package, a=Application),
    }


_READ_CURRENT, _READ_BY_KEY = _rows(_CURRENT), _rows(_BY_KEY)


def find_application(account: Account, application_id: int) -> Application:
    """Return the account's application; Refused where it has none of that key."""
    found = Application.objects.filter(account=account, pk=application_id).first()
    if found is None:
        raise Refused(
            _("Choose one of this account's applications."),
            code="no_application",
            field="application",
        )
    return found


def read_snapshots(
    account: Account,
    packages: Iterable[Package],
    now: datetime,
    *,
    under_review: Collection[int] | None = None,
) -> list[PackageSnapshot]:
    """Return packages with derived state and licenses, in the order given; at most four queries.

    `under_review` are those whose refund is, where the caller has read it with the packages.
    """
    listed = list(packages)
    licenses: dict[int, list[LicenseSnapshot]] = {package.pk: [] for package in listed}
    for row in _LICENSES(account.pk, list(licenses), now):
        licenses[row[0]].append(LicenseSnapshot(*row))
    if under_review is None:
        under_review = find_under_review(listed)
    states = derive_states(listed, now, under_review=under_review)
    return [
        PackageSnapshot(each, states[each.pk], tuple(licenses[each.pk]), each.pk in under_review)
        for each in listed
    ]


@dataclass(frozen=True)
class PackageReader:
    """Where a judgement reads packages: from the database, with or without locking them.

    `known` are packages of the account that were read for the same page at the same instant.
    """

    lock: bool = False
    known: tuple[PackageSnapshot, ...] = ()

    def find(self, account: Account, application_id: int, now: datetime) -> PackageSnapshot | None:
        """Return the package that occupies the application, or did until its release passed.

        Raises Refused where the account has no such application.
        """
        for held in self.known:
            if held.package.application_id == application_id:
                return held
        found = self._hold(account, _READ_CURRENT[self.lock](account.pk, application_id), now)
        if not found:
            find_application(account, application_id)
            return None
        return found[0]

    def find_all(
        self, account: Account, ids: Sequence[int], now: datetime
    ) -> list[PackageSnapshot]:
        """Return packages by key, in the order given; fewer where some are not the account's."""
        known = {held.package.pk: held for held in self.known}
        if known.keys() >= set(ids):
            return [known[pk] for pk in ids]
        found = self._hold(account, _READ_BY_KEY[self.lock](account.pk, list(ids)), now)
        by_key = {held.package.pk: held for held in found}
        return [by_key[pk] for pk in ids if pk in by_key]

    def _hold(
        self, account: Account, rows: list[list[Any]], now: datetime
    ) -> list[PackageSnapshot]:
        packages = []
        for package, application, _is_under_review in rows:
            package.application = application
            packages.append(package)
        if not packages:
            return []
        under_review = {package.pk for package, _application, is_one in rows if is_one}
        return read_snapshots(account, packages, now, under_review=under_review)


def find_current(
    account: Account, application: Application, now: datetime
) -> PackageSnapshot | None:
    """Return the application's package where it still occupies it at `now`."""
    held = PackageReader().find(account, application.pk, now)
    return None if held is None or held.state == PackageState.RELEASED else held


def _require_unlocked(all_held: Iterable[PackageSnapshot]) -> None:
    if any(held.is_under_review for held in all_held):
        raise Refused(
            _("A refund of this package is under review, so it cannot change meanwhile."),
            code="refund_pending",
        )


def _require_live(held: PackageSnapshot | None, edition: Edition | None) -> PackageSnapshot:
    """Return the package if it is live and, where an edition is named, of that edition."""
    if held is None or held.state not in sources(PACKAGE_TRANSITIONS, PackageMove.EXTEND):
        raise Refused(
            _("This needs a package in service; buy or renew the application's package first."),
            code="no_live_package",
            field="application",
        )
    if edition is not None and held.package.edition != edition:
        raise Refused(
            _("Additional licenses are of the package's own edition, %(edition)s.")
            % {"edition": held.package.get_edition_display()},
            code="other_edition",
            field="edition",
        )
    _require_unlocked([held])
    return held


def _check_ending(ids: tuple[int, ...], held: PackageSnapshot) -> None:
    known = {license.pk for license in held.bought}
    if not set(ids) <= known or len(set(ids)) != len(ids):
        raise Refused(
            _("Only additional licenses of this package can be left out, each once."),
            code="bad_ending",
            field="ending",
        )


def _judge_new(
    account: Account, ask: OrderRequest, now: datetime, source: PackageReader
) -> list[PackageSnapshot]:
    held = source.find(account, ask.application, now)
    if held is None:
        return []
    if held.state == PackageState.RELEASED:
        return [held]
    _require_unlocked([held])
    if held.state not in sources(PACKAGE_TRANSITIONS, PackageMove.PURCHASE):
        raise Refused(
            _("This application has a package already: renew, extend or upgrade that one."),
            code="has_package",
            field="application",
        )
    _check_ending(ask.ending, held)
    kept = len(held.bought) - len(ask.ending)
    if kept > ask.agents:
        raise Refused(
            _(
                "The trial has %(kept)d additional agent licenses. "
                "Buy as many, or choose which ones end."
            )
            % {"kept": kept},
            code="trial_licenses_left_over",
            field="agents",
        )
    return [held]


def _judge_additional(
    account: Account, ask: OrderRequest, now: datetime, source: PackageReader
) -> list[PackageSnapshot]:
    held = _require_live(source.find(account, ask.application, now), ask.edition)
    if ask.agents + ask.sip < 1:
        raise Refused(_("Choose at least one license."), code="nothing_asked", field="agents")
    if held.state == PackageState.TRIAL and ask.sip:
        raise Refused(
            _("SIP telephone licenses need a paid package, not a trial."),
            code="sip_on_trial",
            field="sip",
        )
    return [held]


def _judge_upgrade(
    account: Account, ask: OrderRequest, now: datetime, source: PackageReader
) -> list[PackageSnapshot]:
    held = _require_live(source.find(account, ask.application, now), None)
    if held.state not in sources(PACKAGE_TRANSITIONS, PackageMove.UPGRADE):
        raise Refused(
            _("A trial is not upgraded: buy the Premium package, it starts on the trial."),
            code="upgrade_of_trial",
        )
    if ask.edition != Edition.PREMIUM or held.package.edition != Edition.ESSENTIAL:
        raise Refused(
            _("Only Essential can be upgraded, to Premium; nothing is downgraded during a term."),
            code="not_an_upgrade",
            field="edition",
        )
    return [held]


def _require_future(package: Package, ask: OrderRequest, now: datetime) -> None:
    """Refuse a renewal that would be over before it is bought.

    It starts at the old expiry, and a package of a restricted account may wait long
    (ADR 0036).
    """
    months = package.months + months_in(*ask.term_of(package.pk))
    if expiry(package.anchor_at, months, billing_zone(), package.extension) <= now:
        raise Refused(
            _("The renewal of “%(name)s” would be over already; choose more terms.")
            % {"name": package.application.name},
            code="renewal_over",
            field=f"count_{package.pk}",
        )


def _judge_renewal(
    account: Account, ask: OrderRequest, now: datetime, source: PackageReader
) -> list[PackageSnapshot]:
    ids = [renewed.package for renewed in ask.renewed]
    if not ids or Counter(ids).most_common(1)[0][1] > 1:
        raise Refused(
            _("Choose the packages to renew, each once."), code="nothing_asked", field="packages"
        )
    all_held = source.find_all(account, ids, now)
    if len(all_held) != len(ids):
        raise Refused(_("Choose packages of this account."), code="no_package", field="packages")
    for held, renewed in zip(all_held, ask.renewed, strict=True):
        if held.state not in sources(PACKAGE_TRANSITIONS, PackageMove.RENEW):
            raise Refused(
                _("The package of “%(name)s” can no longer be renewed; buy a new one.")
                % {"name": held.package.application.name},
                code="not_renewable",
                field="packages",
            )
        _check_ending(renewed.ending, held)
        _require_future(held.package, ask, now)
    _require_unlocked(all_held)
    return all_held


_JUDGES = {
    OrderKind.NEW: _judge_new,
    OrderKind.ADDITIONAL: _judge_additional,
    OrderKind.UPGRADE: _judge_upgrade,
    OrderKind.RENEWAL: _judge_renewal,
}


def _check_bounds(ask: OrderRequest) -> None:
    try:
        check_quantities(ask.agents, ask.sip, settings.ORDER_LICENSE_LIMIT)
        check_term(ask.unit, ask.count)
    except PricingError as error:
        raise Refused(error.message, code="bad_quantity", field=error.field) from error
    for renewed in ask.renewed:
        try:
            check_term(renewed.unit, renewed.count)
        except PricingError as error:
            field = f"{error.field}_{renewed.package}"
            raise Refused(error.message, code="bad_quantity", field=field) from error


def check_eligibility(
    account: Account,
    ask: OrderRequest,
    now: datetime,
    *,
    lock: bool = False,
    known: Iterable[PackageSnapshot] = (),
) -> list[PackageSnapshot]:
    """Return the packages that the ask builds on, or raise Refused with reason and form field.

    A new purchase builds on a running trial, or on nothing: then a package that is over by now, and
    not recorded so, is returned as RELEASED. With `lock`, for which the caller
    holds the account's lock, the packages stay as they are until the transaction ends. `known`
    spares a page that has just read packages from reading them again.
    """
    require_good_standing(account)
    _check_bounds(ask)
    source = PackageReader(lock=lock, known=() if lock else tuple(known))
    return _JUDGES[ask.kind](account, ask, now, source)


def part(judged: Iterable[PackageSnapshot]) -> tuple[list[PackageSnapshot], list[PackageSnapshot]]:
    """Return the packages that a judged ask builds on, and those that are over by now."""
    listed = list(judged)
    over = [each for each in listed if each.state == PackageState.RELEASED]
    return [each for each in listed if each.state != PackageState.RELEASED], over
