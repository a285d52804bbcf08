"""Activating applications; the first activation of an account brings the trial."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Account, Application, User
from accounts.services.audit import Event, record
from accounts.services.tenants import create_application, lock_account
from billing.catalog.queries import find_price_book
from billing.enums import LicenseKind, PackageKind
from billing.packages.models import Package, TrialGrant
from billing.packages.queries import NewLicenses, add_licenses
from billing.transitions import PACKAGE_STARTS, PackageStart


def is_trial_due(account: Account) -> bool:
    """Whether the account's next activation brings the trial: it never had one."""
    return not TrialGrant.objects.filter(account=account).exists()


def _grant_trial(application: Application, now: datetime) -> Event:
    """Give the application the trial of the current price book (guide, Free Trial)."""
    book = find_price_book(now)
    package = Package.objects.create(
        account=application.account,
        application=application,
        kind=PackageKind.TRIAL,
        state=PACKAGE_STARTS[PackageStart.GRANT_TRIAL],
        edition=book.trial_edition,
        anchor_at=now,
        expires_at=now + timedelta(days=book.trial_days),
        created_at=now,
    )
    TrialGrant.objects.create(account=application.account, package=package, granted_at=now)
    add_licenses(package, [NewLicenses(LicenseKind.AGENT, book.trial_agents)], now=now)
    return Event(
        verb="package.trial_granted",
        target=package,
        to_state=package.state,
        data={"licenses": book.trial_agents, "days": book.trial_days},
    )


@transaction.atomic
def activate_application(
    *, account: Account, name: str, by: User | None, now: datetime
) -> Application:
    """Activate an application; the account's first one gets the trial, once ever.

    The account's lock puts simultaneous activations in a row, and the unique grant is the
    database's own guarantee. Raises Refused as `create_application` does.
    """
    locked = lock_account(account.pk)
    application = create_application(account=locked, name=name, by=by, now=now)
    if is_trial_due(locked):
        record([_grant_trial(application, now)], account=locked, by=by, now=now)
    return application
