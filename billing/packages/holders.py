"""Who holds a license, asked without knowing the app that keeps the holders.

`settings.LICENSE_HOLDERS` names a function that takes license ids and returns the holder of each
one that is held. Billing shows holders where a customer chooses which licenses end; it never
touches them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Holder:
    """Someone, or a telephone, that works by a license."""

    license_id: int
    label: str
    is_enabled: bool
    changed_at: datetime


Finder = Callable[[Iterable[int]], Mapping[int, Holder]]


def find_holders(license_ids: Iterable[int]) -> Mapping[int, Holder]:
    """Return the holder of each license that is held, by license id."""
    finder = cast(Finder, import_string(settings.LICENSE_HOLDERS))
    return finder(license_ids)


def order_for_ending(license_ids: Iterable[int], holders: Mapping[int, Holder]) -> list[int]:
    """Return the ids in the order in which they should end first.

    Free licenses first, then those of disabled holders, then of the least recently changed
    (ADR 0037); newer licenses before older.
    """

    def rank(license_id: int) -> tuple[int, float, int]:
        holder = holders.get(license_id)
        if holder is None:
            return (0, 0.0, -license_id)
        return (2 if holder.is_enabled else 1, holder.changed_at.timestamp(), -license_id)

    return sorted(license_ids, key=rank)
