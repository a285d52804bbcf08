"""How the applications of an account stand, as the layers above this one know it.

`settings.APPLICATION_STANDINGS` names a function `(account, now) -> {application id: Standing}`;
this app knows no packages, and shows what it is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string

from accounts.models import Account


@dataclass(frozen=True)
class Standing:
    """One application's state as a badge (`state`, `label`) and a line of text."""

    state: str
    label: str | Promise
    text: str | Promise = ""


def read_standings(account: Account, now: datetime) -> Mapping[int, Standing]:
    """Return the standing of the account's applications by id; some or all may be missing."""
    path = settings.APPLICATION_STANDINGS
    return import_string(path)(account, now) if path else {}
