"""What differs between the quote that a customer confirmed and the one that holds now.

The token is small: it carries the dates that the quote promised and a proof of everything else,
so that a page can tell a quote that merely grew old from one whose dates or price changed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.orders.effects import PackageChange


def digest(contents: Mapping[str, Any]) -> str:
    """Return a short proof of the contents, so that a token stays small."""
    canonical = json.dumps(contents, sort_keys=True, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()


def digest_without_dates(contents: Mapping[str, Any]) -> str:
    """Return a proof of everything but the dates on which packages will expire."""
    rest = deepcopy(dict(contents))
    for effect in rest["effects"]:
        effect["after"]["expires_at"] = ""
    return digest(rest)


def read_expiries(effects: Iterable[PackageChange]) -> dict[str, str]:
    """Return when each package will expire, by the key of its application, as plain data."""
    return {str(effect.application): effect.after.expires_at.isoformat() for effect in effects}


@dataclass(frozen=True)
class ChangedExpiry:
    """A package that would now expire at another time than was confirmed."""

    application: int
    old: datetime
    new: datetime


@dataclass(frozen=True)
class QuoteChange:
    """`is_same`: nothing changed, the quote only grew old. `expiries`: only these dates did."""

    is_same: bool = False
    expiries: tuple[ChangedExpiry, ...] = ()


def compare_quotes(
    *,
    old_rest: str,
    old_expiries: Mapping[str, str],
    contents: Mapping[str, Any],
    effects: Iterable[PackageChange],
) -> QuoteChange:
    """Compare what a token carries with the quote that holds now."""
    if digest_without_dates(contents) != old_rest:
        return QuoteChange()
    changed = tuple(
        ChangedExpiry(effect.application, datetime.fromisoformat(old), effect.after.expires_at)
        for effect in effects
        if (old := old_expiries[str(effect.application)]) != effect.after.expires_at.isoformat()
    )
    return QuoteChange(is_same=not changed, expiries=changed)
