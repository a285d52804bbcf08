"""Whether an agent or a telephone works: derived from facts and the time, stored nowhere.

The queryset twins are `with_state` and `in_state` (`agents.models.querysets`). Both must meet
the table in `tests/agents/test_state.py`.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.enums import AccountStatus
from agents.enums import ServiceState
from billing.enums import RUNNING_STATES


@dataclass(frozen=True)
class HolderFacts:
    """What decides about an agent, or about a telephone (which cannot be disabled).

    The license fields are only looked at where `has_license` is true. `is_superseded` says that
    the application has a newer package than the license's: the license is void, and the holder
    has none.
    """

    account_status: str
    is_enabled: bool = True
    has_license: bool = False
    license_ends_at: datetime | None = None
    package_state: str = ""
    package_expires_at: datetime | None = None
    is_superseded: bool = False


def find_obstacles(facts: HolderFacts, now: datetime) -> tuple[ServiceState, ...]:
    """Return all that keeps the holder from working at `now`, the first to fix first.

    Nothing is empty-handed twice: without a license there is no word about license or package.
    """
    obstacles = []
    if not facts.is_enabled:
        obstacles.append(ServiceState.DISABLED)
    if not facts.has_license or facts.is_superseded:
        obstacles.append(ServiceState.NO_LICENSE)
    else:
        if facts.license_ends_at is not None and facts.license_ends_at <= now:
            obstacles.append(ServiceState.LICENSE_ENDED)
        if not _is_package_live(facts, now):
            obstacles.append(ServiceState.PACKAGE_ENDED)
    if facts.account_status != AccountStatus.ACTIVE:
        obstacles.append(ServiceState.ACCOUNT_RESTRICTED)
    return tuple(obstacles)


def derive_agent_state(facts: HolderFacts, now: datetime) -> ServiceState:
    """Return the one state to show at `now`: the first obstacle, or in service."""
    return next(iter(find_obstacles(facts, now)), ServiceState.IN_SERVICE)


def _is_package_live(facts: HolderFacts, now: datetime) -> bool:
    return (
        facts.package_state in RUNNING_STATES
        and facts.package_expires_at is not None
        and now < facts.package_expires_at
    )
