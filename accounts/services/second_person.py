"""Four eyes: nobody decides what they brought about themselves."""

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User


def is_same_person(*, maker_id: int | None, by: User | None) -> bool:
    """Say whether `by` made the thing; what the system made (`maker_id=None`), nobody made."""
    return maker_id is not None and by is not None and maker_id == by.pk


def require_second_person(*, maker_id: int | None, by: User) -> None:
    """Raise Refused (code "same_person") where `by` is the one who made the thing."""
    if is_same_person(maker_id=maker_id, by=by):
        raise Refused(
            _("You recorded or handled this, so another person must decide it."),
            code="same_person",
        )
