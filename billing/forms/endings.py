"""The part of a form that says which additional licences end."""

from django import forms
from django.utils.translation import ngettext

from billing.enums import LicenceKind
from billing.forms.fields import KeysField
from billing.services.eligibility import Held
from billing.services.endings import Ending

ENDING = "ending"


def mark_name(held: Held) -> str:
    """Return the name of the hidden field that says for which numbers the list was shown."""
    return f"mark_{held.package.pk}"


def ending_fields() -> dict[str, forms.Field]:
    """Return the fields that a form with a choice of endings has."""
    return {ENDING: KeysField(required=False)}


def read_mark(form: forms.Form, held: Held) -> str:
    """Return for which numbers the list was shown that the form was ticked in."""
    return str(form.data.get(mark_name(held), ""))


def complain_of(form: forms.Form, held: Held, ending: Ending) -> None:
    """Say on the form how many more, or fewer, licences have to be ticked."""
    for kind, number in ending.shortage.items():
        if number:
            form.add_error(None, _complaint(held.package.application.name, kind, number))


def _complaint(name: str, kind: LicenceKind, number: int) -> str:
    if number > 0:
        text = ngettext(
            "%(name)s: tick %(number)d more licence that ends (%(kind)s).",
            "%(name)s: tick %(number)d more licences that end (%(kind)s).",
            number,
        )
    else:
        text = ngettext(
            "%(name)s: %(number)d licence too many is ticked to end (%(kind)s).",
            "%(name)s: %(number)d licences too many are ticked to end (%(kind)s).",
            -number,
        )
    return text % {"name": name, "number": abs(number), "kind": kind.label}
