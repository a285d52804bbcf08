"""What packages are at an instant, as every page shows them: asked here and nowhere else."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from accounts.models import Account
from billing.enums import OVER_STATES, RUNNING_STATES, PackageState, RefundStatus
from billing.packages.acts import PackageAct, acts_for
from billing.packages.lifecycle import derive_states, foresee_releases
from billing.packages.models import Package


class PackageRefund(NamedTuple):
    """The refund that holds a package, or that ended it."""

    package_id: int
    number: str
    status: str
    decided_at: datetime | None


@dataclass(frozen=True)
class PackageStatus:
    """An application's package at an instant, whether or not a sweep has run.

    `package` is None for an application that never had one. `refund` is the one under review, or
    the one that ended the package. `released_at` is when an isolated package will be released, or
    a released one was; None while that is open. `acts` is what may be offered next.
    `is_restricted` says that the account is, so that agents are out of service whatever the
    package is.
    """

    package: Package | None = None
    state: PackageState | None = None
    refund: PackageRefund | None = None
    released_at: datetime | None = None
    acts: frozenset[PackageAct] = field(default_factory=frozenset)
    is_restricted: bool = False

    @property
    def is_live(self) -> bool:
        """Whether licenses work."""
        return self.state in RUNNING_STATES

    @property
    def is_over(self) -> bool:
        """Whether its licenses are void."""
        return self.state in OVER_STATES

    @property
    def is_isolated(self) -> bool:
        """Whether it has expired and its licenses are kept."""
        return self.state == PackageState.ISOLATED

    @property
    def is_under_review(self) -> bool:
        """Whether a refund of it is under review, which locks it."""
        return self.refund is not None and self.refund.status == RefundStatus.PENDING

    @property
    def ended_at(self) -> datetime | None:
        """When its licenses became void; None while they are not."""
        if self.state == PackageState.REFUNDED:
            return self.refund.decided_at if self.refund else None
        return self.released_at if self.state == PackageState.RELEASED else None


def read_statuses(
    packages: Iterable[Package], account: Account, now: datetime
) -> dict[int, PackageStatus]:
    """Return what each of the account's packages is at `now`, by key.

    At most three queries, and one where nothing has expired.
    """
    listed, is_restricted = list(packages), not account.is_in_good_standing
    held = [RefundStatus.PENDING, RefundStatus.DONE]
    found = Package.objects.filter(
        account=account, pk__in=[each.pk for each in listed], refunds__status__in=held
    )
    columns = ("pk", "refunds__number", "refunds__status", "refunds__decided_at")
    refunds = {row[0]: PackageRefund(*row) for row in found.values_list(*columns)}
    under_review = {key for key, each in refunds.items() if each.status == RefundStatus.PENDING}
    states = derive_states(listed, now, under_review=under_review)
    expired = {PackageState.ISOLATED, PackageState.RELEASED}
    gone = [each for each in listed if states[each.pk] in expired]
    released = foresee_releases(gone, under_review=under_review) if gone else {}
    return {
        each.pk: PackageStatus(
            package=each,
            state=states[each.pk],
            refund=refunds.get(each.pk),
            released_at=released.get(each.pk),
            acts=acts_for(
                state=states[each.pk],
                edition=each.edition,
                is_under_review=each.pk in under_review,
                is_restricted=is_restricted,
            ),
            is_restricted=is_restricted,
        )
        for each in listed
    }


def read_status(package: Package | None, account: Account, now: datetime) -> PackageStatus:
    """Return what one package is at `now`; without a package, what an application may get."""
    if package is None:
        is_restricted = not account.is_in_good_standing
        acts = acts_for(state=None, is_restricted=is_restricted)
        return PackageStatus(acts=acts, is_restricted=is_restricted)
    return read_statuses([package], account, now)[package.pk]
