"""Adding to packages that run, renewing and upgrading them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import WholeNumberField
from billing.catalog.pricing import PricingError, check_term
from billing.enums import Edition, LicenseKind, OrderKind, TermUnit
from billing.orders.forms.fields import KeysField
from billing.orders.forms.reduction import EndingForm
from billing.orders.forms.request import (
    TERM_HELP,
    OrderRequestForm,
    QuantityForm,
    term_count_field,
    term_unit_field,
)
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.snapshots import PackageSnapshot


class AdditionForm(QuantityForm):
    """Additional licenses for an application's package; `application` is its key."""

    field_order = ["agents", "sip"]

    def __init__(self, data: Any, *, application: int) -> None:
        super().__init__(data)
        self.application = application

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {**super().defaults(), "agents": "1", "sip": "0"}

    def ask(self) -> OrderRequest:
        return OrderRequest(
            kind=OrderKind.ADDITIONAL,
            application=self.application,
            agents=self.cleaned_data["agents"] or 0,
            sip=self.cleaned_data["sip"] or 0,
            **self._offers(),
        )


class UpgradeForm(OrderRequestForm):
    """The upgrade of an application's package to Premium; `application` is its key."""

    def __init__(self, data: Any, *, application: int) -> None:
        super().__init__(data)
        self.application = application

    def ask(self) -> OrderRequest:
        return OrderRequest(
            kind=OrderKind.UPGRADE,
            application=self.application,
            edition=Edition.PREMIUM,
            **self._offers(),
        )


_LABELS = {
    LicenseKind.AGENT: _("Additional agent licenses that go on"),
    LicenseKind.SIP: _("Additional SIP telephone licenses that go on"),
}


class RenewalForm(EndingForm, OrderRequestForm):
    """The renewal of some of `helds`, each for its own term and with its own licenses.

    For each package there are `unit_<package>` and `count_<package>`, and a number for every kind
    of additional license that it has, `agent_<package>` and `sip_<package>`. What stands beside a
    package that is not chosen is kept, and not judged.
    """

    packages = KeysField(label=_("Packages"), required=False)
    term_help = TERM_HELP

    def __init__(self, data: Any, *, helds: Sequence[PackageSnapshot]) -> None:
        super().__init__(data)
        self.helds = helds
        for held in helds:
            key = held.package.pk
            self.fields[f"unit_{key}"] = term_unit_field()
            # Several packages have one sentence for all of them above.
            own_help = {"help_text": self.term_help} if len(helds) == 1 else {}
            self.fields[f"count_{key}"] = term_count_field(**own_help)
            for kind in LicenseKind:
                if _bought(held, kind):
                    self.fields[_name(held, kind)] = _number_field(held, kind)

    @classmethod
    def defaults(
        cls, helds: Sequence[PackageSnapshot] = (), due: Sequence[PackageSnapshot] | None = None
    ) -> dict[str, Any]:
        """Those of `helds` that are `due`, by default all; each for one term of its own kind."""
        due = helds if due is None else due
        values = {**super().defaults(), "packages": [str(held.package.pk) for held in due]}
        for held in helds:
            key = held.package.pk
            values |= {f"unit_{key}": held.package.term_unit, f"count_{key}": "1"}
            values |= {_name(held, kind): str(_bought(held, kind)) for kind in LicenseKind}
        return values

    @property
    def rows(self) -> list["RenewalRow"]:
        """Each package with its part of the form."""
        chosen = {str(pk) for pk in self["packages"].value() or ()}
        return [
            RenewalRow(
                held=held,
                is_chosen=str(held.package.pk) in chosen,
                unit=self[f"unit_{held.package.pk}"],
                count=self[f"count_{held.package.pk}"],
                numbers=[
                    self[name]
                    for name in (_name(held, kind) for kind in LicenseKind)
                    if name in self.fields
                ],
            )
            for held in self.helds
        ]

    @property
    def field_groups(self) -> dict[str, str]:
        """The application of each field, where there are several, to name faults by."""
        if len(self.helds) < 2:
            return {}
        return {
            name: held.package.application.name
            for held in self.helds
            for name in self._names_of(held)
        }

    def _names_of(self, held: PackageSnapshot) -> list[str]:
        return [name for name in self.fields if name.endswith(f"_{held.package.pk}")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = set(data.get("packages", ()))
        for held in self.helds:
            if held.package.pk not in chosen:
                for name in self._names_of(held):
                    self.errors.pop(name, None)
                continue
            self._check_term(held)
            if not self.errors.keys() & {_name(held, kind) for kind in LicenseKind}:
                self.choose(held, self._kept(held))
        return data

    def _check_term(self, held: PackageSnapshot) -> None:
        unit, count = f"unit_{held.package.pk}", f"count_{held.package.pk}"
        if self.errors.keys() & {unit, count}:
            return
        try:
            check_term(self.cleaned_data[unit], self.cleaned_data[count])
        except PricingError as error:
            self.add_error(count, str(error.message))

    def _kept(self, held: PackageSnapshot) -> dict[LicenseKind, int]:
        """Return the numbers that were changed; an empty one means that all go on."""
        numbers = {kind: self.cleaned_data.get(_name(held, kind)) for kind in LicenseKind}
        return {kind: number for kind, number in numbers.items() if number is not None}

    def ask(self) -> OrderRequest:
        data = self.cleaned_data
        endings = {held.package.pk: ending.chosen for held, ending in self.endings}
        return OrderRequest(
            kind=OrderKind.RENEWAL,
            renewed=tuple(
                RenewedPackage(
                    package=pk,
                    ending=endings.get(pk, ()),
                    # What is not on the page has no fields; the service says why it is refused.
                    unit=data.get(f"unit_{pk}", TermUnit.MONTH),
                    count=data.get(f"count_{pk}", 1),
                )
                for pk in data["packages"]
            ),
            **self._offers(),
        )


@dataclass(frozen=True)
class RenewalRow:
    """One package of the renewal's form."""

    held: PackageSnapshot
    is_chosen: bool
    unit: BoundField
    count: BoundField
    numbers: list[BoundField]


def _bought(held: PackageSnapshot, kind: LicenseKind) -> int:
    return sum(1 for license in held.bought if license.kind == kind)


def _name(held: PackageSnapshot, kind: LicenseKind) -> str:
    return f"{kind.value}_{held.package.pk}"


def _number_field(held: PackageSnapshot, kind: LicenseKind) -> WholeNumberField:
    return WholeNumberField(
        label=_LABELS[kind], required=False, min_value=0, max_value=_bought(held, kind)
    )
