"""Adding to packages that run, renewing and upgrading them."""

from collections.abc import Sequence
from typing import Any

from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import WholeNumberField
from billing.asks import Ask, RenewedPackage
from billing.enums import Edition, LicenceKind, OrderKind
from billing.forms.asks import AskForm, QuantityForm, TermForm
from billing.forms.endings import EndingForm
from billing.forms.fields import KeysField
from billing.services.eligibility import Held


class AdditionForm(QuantityForm):
    """Additional licences for an application's package; `application` is its key."""

    field_order = ["agents", "sip"]

    def __init__(self, data: Any, *, application: int) -> None:
        super().__init__(data)
        self.application = application

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {**super().defaults(), "agents": "1", "sip": "0"}

    def ask(self) -> Ask:
        return Ask(
            kind=OrderKind.ADDITIONAL,
            application=self.application,
            agents=self.cleaned_data["agents"] or 0,
            sip=self.cleaned_data["sip"] or 0,
            **self._offers(),
        )


class UpgradeForm(AskForm):
    """The upgrade of an application's package to Premium; `application` is its key."""

    def __init__(self, data: Any, *, application: int) -> None:
        super().__init__(data)
        self.application = application

    def ask(self) -> Ask:
        return Ask(
            kind=OrderKind.UPGRADE,
            application=self.application,
            edition=Edition.PREMIUM,
            **self._offers(),
        )


_LABELS = {
    LicenceKind.AGENT: _("Additional agent licences that go on"),
    LicenceKind.SIP: _("Additional SIP telephone licences that go on"),
}


class RenewalForm(TermForm, EndingForm):
    """The renewal of some of `helds`, each with all or fewer of its additional licences.

    For each package there is a number for every kind of additional licence that it has, named
    `agent_<package>` and `sip_<package>`.
    """

    packages = KeysField(label=_("Packages"), required=False)

    def __init__(self, data: Any, *, helds: Sequence[Held]) -> None:
        super().__init__(data)
        self.helds = helds
        for held in helds:
            for kind in LicenceKind:
                if _bought(held, kind):
                    self.fields[_name(held, kind)] = _number_field(held, kind)

    @classmethod
    def defaults(
        cls, helds: Sequence[Held] = (), due: Sequence[Held] | None = None
    ) -> dict[str, Any]:
        """Those of `helds` that are `due`, by default all, for one term of the first one's kind."""
        due = helds if due is None else due
        values = {**super().defaults(), "packages": [str(held.package.pk) for held in due]}
        for held in helds:
            values |= {_name(held, kind): str(_bought(held, kind)) for kind in LicenceKind}
        if helds:
            values["unit"] = (due or helds)[0].package.term_unit
        return values

    @property
    def rows(self) -> list[tuple[Held, bool, list[BoundField]]]:
        """Each package, whether it is chosen, and the fields of its numbers."""
        chosen = {str(pk) for pk in self["packages"].value() or ()}
        return [
            (held, str(held.package.pk) in chosen, self._fields_of(held)) for held in self.helds
        ]

    def _fields_of(self, held: Held) -> list[BoundField]:
        names = (_name(held, kind) for kind in LicenceKind)
        return [self[name] for name in names if name in self.fields]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = set(data.get("packages", ()))
        for held in self.helds:
            numbers = {_name(held, kind) for kind in LicenceKind}
            if held.package.pk in chosen and not self.errors.keys() & numbers:
                self.choose(held, self._kept(held))
        return data

    def _kept(self, held: Held) -> dict[LicenceKind, int]:
        """Return the numbers that were changed; an empty one means that all go on."""
        numbers = {kind: self.cleaned_data.get(_name(held, kind)) for kind in LicenceKind}
        return {kind: number for kind, number in numbers.items() if number is not None}

    def ask(self) -> Ask:
        endings = {held.package.pk: ending.chosen for held, ending in self.endings}
        return Ask(
            kind=OrderKind.RENEWAL,
            renewed=tuple(
                RenewedPackage(package=pk, ending=endings.get(pk, ()))
                for pk in self.cleaned_data["packages"]
            ),
            unit=self.cleaned_data["unit"],
            count=self.cleaned_data["count"],
            **self._offers(),
        )


def _bought(held: Held, kind: LicenceKind) -> int:
    return sum(1 for licence in held.bought if licence.kind == kind)


def _name(held: Held, kind: LicenceKind) -> str:
    return f"{kind.value}_{held.package.pk}"


def _number_field(held: Held, kind: LicenceKind) -> WholeNumberField:
    return WholeNumberField(
        label=_LABELS[kind], required=False, min_value=0, max_value=_bought(held, kind)
    )
