"""How each application stands, for the list of applications, which knows no packages."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Account
from accounts.services.standings import Standing
from config.start.overview import PackageRow, read_packages


def read_application_rows(account: Account, now: datetime) -> dict[int, Standing]:
    """Return the standing of every application of the account by its id."""
    return {row.application.pk: _standing(row) for row in read_packages(account, now)}


def _standing(row: PackageRow) -> Standing:
    if row.package is None or row.state is None:
        over = row.status.state
        label = over.label if over else _("No package")
        return Standing("inactive", label, _("Agents work once a package is bought."))
    # Translators: Django's date format characters.
    pattern = pgettext("date and time", "j M Y, H:i")
    text = _("%(edition)s, until %(expiry)s; %(used)d of %(total)d agent licenses used") % {
        "edition": row.package.get_edition_display(),
        "expiry": date_format(timezone.localtime(row.package.expires_at), pattern),
        "used": row.agents_used,
        "total": row.agents,
    }
    if row.status.is_under_review:
        text = _("%(text)s; a refund is under review") % {"text": text}
    if row.status.is_restricted and row.is_live:
        return Standing("blocked", _("Out of service"), text)
    return Standing(row.state.value, row.state.label, text)
