"""The part of a form that says which additional licenses end."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import ngettext

from billing.enums import LicenseKind
from billing.orders.forms.fields import KeysField
from billing.orders.reduction import LicenseReduction, choose_reduction
from billing.orders.snapshots import PackageSnapshot

_MARK = "mark_"


class EndingForm(forms.Form):
    """A form that shows, and asks, which additional licenses end.

    For each package with such a choice there is a hidden value `mark_<package>`, which says for
    which numbers the list was shown. `endings` are known as soon as the fields are good that
    they depend on, whatever else is wrong.
    """

    ending = KeysField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endings: list[tuple[PackageSnapshot, LicenseReduction]] = []

    def choose(self, snapshot: PackageSnapshot, keep: Mapping[LicenseKind, int]) -> None:
        """Find out what ends of a package, and say on the form if the ticks do not fit."""
        ending = choose_reduction(
            snapshot,
            keep=keep,
            ticked=self.cleaned_data.get("ending", ()),
            mark=str(self.data.get(f"{_MARK}{snapshot.package.pk}", "")),
        )
        self.endings.append((snapshot, ending))
        for kind, number in ending.shortage.items():
            if number:
                self.add_error(None, _complaint(snapshot.package.application.name, kind, number))

    @property
    def has_new_choice(self) -> bool:
        """Whether there is another list to choose from than the one that was shown.

        The same list is left alone on the page: someone may be ticking there right now.
        """
        shown = {name: self.data[name] for name in self.data if name.startswith(_MARK)}
        wanted = {
            f"{_MARK}{snapshot.package.pk}": ending.mark
            for snapshot, ending in self.endings
            if ending.candidates
        }
        return shown != wanted


def _complaint(name: str, kind: LicenseKind, number: int) -> str:
    if number > 0:
        text = ngettext(
            "%(name)s: select %(number)d more license to end (%(kind)s).",
            "%(name)s: select %(number)d more licenses to end (%(kind)s).",
            number,
        )
    else:
        text = ngettext(
            "%(name)s: you selected %(number)d license too many to end (%(kind)s).",
            "%(name)s: you selected %(number)d licenses too many to end (%(kind)s).",
            -number,
        )
    return text % {"name": name, "number": abs(number), "kind": kind.label}
