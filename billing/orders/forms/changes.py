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

    def order_request(self) -> OrderRequest:
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

    def order_request(self) -> OrderRequest:
        return OrderRequest(
            kind=OrderKind.UPGRADE,
            application=self.application,
            edition=Edition.PREMIUM,
            **self._offers(),
        )


_LABELS = {
    LicenseKind.AGENT: _("Additional agent licenses to keep"),
    LicenseKind.SIP: _("Additional SIP telephone licenses to keep"),
}


class RenewalForm(EndingForm, OrderRequestForm):
    """The renewal of some of `snapshots`, each for its own term and with its own licenses.

    For each package there are `unit_<package>` and `count_<package>`, and a number for every kind
    of additional license that it has, `agent_<package>` and `sip_<package>`. What stands beside a
    package that is not chosen is kept, and not judged.
    """

    packages = KeysField(label=_("Packages"), required=False)
    term_help = TERM_HELP

    def __init__(self, data: Any, *, snapshots: Sequence[PackageSnapshot]) -> None:
        super().__init__(data)
        self.snapshots = snapshots
        for snapshot in snapshots:
            key = snapshot.package.pk
            self.fields[f"unit_{key}"] = term_unit_field()
            # Several packages have one sentence for all of them above.
            own_help = {"help_text": self.term_help} if len(snapshots) == 1 else {}
            self.fields[f"count_{key}"] = term_count_field(**own_help)
            for kind in LicenseKind:
                if _bought(snapshot, kind):
                    self.fields[_name(snapshot, kind)] = _number_field(snapshot, kind)

    @classmethod
    def defaults(
        cls, snapshots: Sequence[PackageSnapshot] = (), due: Sequence[PackageSnapshot] | None = None
    ) -> dict[str, Any]:
        """Those that are `due`, by default all; each for one term of its own kind."""
        due = snapshots if due is None else due
        values = {**super().defaults(), "packages": [str(snapshot.package.pk) for snapshot in due]}
        for snapshot in snapshots:
            key = snapshot.package.pk
            values |= {f"unit_{key}": snapshot.package.term_unit, f"count_{key}": "1"}
            values |= {_name(snapshot, kind): str(_bought(snapshot, kind)) for kind in LicenseKind}
        return values

    @property
    def rows(self) -> list["RenewalRow"]:
        """Each package with its part of the form."""
        chosen = {str(pk) for pk in self["packages"].value() or ()}
        return [
            RenewalRow(
                snapshot=snapshot,
                is_chosen=str(snapshot.package.pk) in chosen,
                unit=self[f"unit_{snapshot.package.pk}"],
                count=self[f"count_{snapshot.package.pk}"],
                numbers=[
                    self[name]
                    for name in (_name(snapshot, kind) for kind in LicenseKind)
                    if name in self.fields
                ],
            )
            for snapshot in self.snapshots
        ]

    @property
    def field_groups(self) -> dict[str, str]:
        """The application of each field, where there are several, to name faults by."""
        if len(self.snapshots) < 2:
            return {}
        return {
            name: snapshot.package.application.name
            for snapshot in self.snapshots
            for name in self._names_of(snapshot)
        }

    def _names_of(self, snapshot: PackageSnapshot) -> list[str]:
        return [name for name in self.fields if name.endswith(f"_{snapshot.package.pk}")]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        chosen = set(data.get("packages", ()))
        for snapshot in self.snapshots:
            if snapshot.package.pk not in chosen:
                for name in self._names_of(snapshot):
                    self.errors.pop(name, None)
                continue
            self._check_term(snapshot)
            if not self.errors.keys() & {_name(snapshot, kind) for kind in LicenseKind}:
                self.choose(snapshot, self._kept(snapshot))
        return data

    def _check_term(self, snapshot: PackageSnapshot) -> None:
        unit, count = f"unit_{snapshot.package.pk}", f"count_{snapshot.package.pk}"
        if self.errors.keys() & {unit, count}:
            return
        try:
            check_term(self.cleaned_data[unit], self.cleaned_data[count])
        except PricingError as error:
            self.add_error(count, str(error.message))

    def _kept(self, snapshot: PackageSnapshot) -> dict[LicenseKind, int]:
        """Return the numbers that were changed; an empty one means that all continue."""
        numbers = {kind: self.cleaned_data.get(_name(snapshot, kind)) for kind in LicenseKind}
        return {kind: number for kind, number in numbers.items() if number is not None}

    def order_request(self) -> OrderRequest:
        data = self.cleaned_data
        endings = {snapshot.package.pk: ending.chosen for snapshot, ending in self.endings}
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

    snapshot: PackageSnapshot
    is_chosen: bool
    unit: BoundField
    count: BoundField
    numbers: list[BoundField]


def _bought(snapshot: PackageSnapshot, kind: LicenseKind) -> int:
    return sum(1 for license in snapshot.bought if license.kind == kind)


def _name(snapshot: PackageSnapshot, kind: LicenseKind) -> str:
    return f"{kind.value}_{snapshot.package.pk}"


def _number_field(snapshot: PackageSnapshot, kind: LicenseKind) -> WholeNumberField:
    return WholeNumberField(
        label=_LABELS[kind], required=False, min_value=0, max_value=_bought(snapshot, kind)
    )
