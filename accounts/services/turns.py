"""Two people who act on the same object: one after the other, and each on what they saw."""

from hashlib import sha256

from django.db.models import Model
from django.utils.crypto import salted_hmac

from accounts.queries import call_function
from accounts.services.locks import waiting_for


def take_turn(*, model: type[Model], key: str) -> None:
    """Wait until no one else acts on this object; the turn ends with the transaction.

    Must be called in a transaction, before the object is read. The lock is none of a row, so it
    cannot come in the way of the locks that services take in their own order.
    """
    name = f"act on {model._meta.label_lower} {key}"
    number = int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
    if not call_function("pg_try_advisory_xact_lock", number):
        with waiting_for(name):
            call_function("pg_advisory_xact_lock", number)


def fingerprint(obj: Model, *more: object) -> str:
    """Return a text that differs once any column of the row has changed, and tells nothing.

    `more` is what else belongs to the state that people act on.
    """
    columns = [(field.attname, getattr(obj, field.attname)) for field in obj._meta.concrete_fields]
    return salted_hmac("accounts.turns", repr((columns, more)), algorithm="sha256").hexdigest()
