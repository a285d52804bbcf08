"""Who holds a licence, asked without knowing the app that keeps the holders.

`settings.LICENCE_HOLDERS` names a function that takes licence ids and returns the holder of each
one that is held. Billing shows holders where a customer chooses which licences end; it never
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
    """Somebody, or a telephone, that works by a licence."""

    licence_id: int
    label: str
    is_enabled: bool
    changed_at: datetime


Finder = Callable[[Iterable[int]], Mapping[int, Holder]]


def find_holders(licence_ids: Iterable[int]) -> Mapping[int, Holder]:
    """Return the holder of each licence that is held, by licence id."""
    finder = cast(Finder, import_string(settings.LICENCE_HOLDERS))
    return finder(licence_ids)


def order_for_ending(licence_ids: Iterable[int], holders: Mapping[int, Holder]) -> list[int]:
    """Return the ids in the order in which they should end first.

    Free licences first, then those of disabled holders, then of the least recently changed
    (ADR 0037); newer licences before older.
    """

    def rank(licence_id: int) -> tuple[int, float, int]:
        holder = holders.get(licence_id)
        if holder is None:
            return (0, 0.0, -licence_id)
        return (2 if holder.is_enabled else 1, holder.changed_at.timestamp(), -licence_id)

    return sorted(licence_ids, key=rank)
