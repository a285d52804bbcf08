"""Who did something to a row, and when: columns `…_by` and `…_at`, and the CHECK that binds them.

The instant tells that it was done: where it is empty, nothing was done yet, and no person is named.
The person is empty where the system did it on its own, as an automatic renewal pays its order. What
only people do demands the person as well. What every row begins with has an instant that is never
empty, and so needs no CHECK.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.expressions import Combinable

from accounts.models.users import User

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def person_field(
    verbose_name: "StrOrPromise", *, blank: bool = True
) -> "models.ForeignKey[User | Combinable | None, User | None]":
    """Return a column for the person who did it; empty where the system did."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=blank,
        related_name="+",
        verbose_name=verbose_name,
    )


def not_done(act: str) -> Q:
    """Return the condition that the act has neither an instant nor a person."""
    return Q(**{f"{act}_at": None, f"{act}_by": None})


def done(act: str) -> Q:
    """Return the condition that the act has its instant, no matter who did it."""
    return Q(**{f"{act}_at__isnull": False})


def done_by_person(act: str) -> Q:
    """Return the condition that the act has its instant and a person who did it."""
    return done(act) & Q(**{f"{act}_by__isnull": False})
