"""Buying a package for an application."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.fields import WholeNumberField
from accounts.models import Application
from billing.catalog.pricing import people_to_extra_agents
from billing.enums import Edition, LicenseKind, OrderKind
from billing.orders.forms.fields import WordsField
from billing.orders.forms.reduction import EndingForm
from billing.orders.forms.request import QuantityForm, TermForm
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageSnapshot


class PurchaseForm(TermForm, QuantityForm, EndingForm):
    """A new package for an application of the account.

    Of `applications`, the list shows those in `offered`, by default all; for another one the
    service refuses with its reason. `included` are the agent licenses that each edition's package
    brings. `find_trial` returns the application's running trial where licenses were bought for it:
    they go over to the package, unless fewer are asked for; then some of them end.
    """

    application = forms.TypedChoiceField(label=gettext_lazy("Application"))
    edition = forms.TypedChoiceField(
        label=gettext_lazy("Edition"),
        choices=Edition.choices,
        coerce=Edition,
        widget=forms.RadioSelect,
    )
    needs = WordsField(required=False)
    people = WholeNumberField(
        label=gettext_lazy("People who need an account"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text=gettext_lazy("We work out the additional licenses."),
    )
    field_order = ["application", "edition", "unit", "count", "people", "agents", "sip"]

    def __init__(
        self,
        data: Any,
        *,
        applications: Sequence[Application],
        included: dict[Edition, int],
        offered: Sequence[Application] | None = None,
        find_trial: Callable[[Application], PackageSnapshot | None] = lambda application: None,
    ) -> None:
        super().__init__(data)
        self.included = included
        self.find_trial = find_trial
        self.applications = {str(app.sdkappid): app for app in applications}
        field: Any = self.fields["application"]
        field.choices = [(key, str(app)) for key, app in self.applications.items()]
        field.coerce = self.applications.__getitem__
        if offered is not None:
            field.widget.choices = [(str(app.sdkappid), str(app)) for app in offered]
        self.fields["agents"].help_text = _(
            "Leave blank to calculate it from the number of people."
        )

    @property
    def wanted(self) -> frozenset[str]:
        """The keys of the needs that are ticked, whatever else is at fault."""
        needs: WordsField = self.fields["needs"]  # type: ignore[assignment]
        return needs.clean(self["needs"].value())

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {**super().defaults(), "edition": Edition.ESSENTIAL.value, "agents": "", "sip": "0"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        self.target = data.get("application")
        if self.errors.keys() & {"application", "edition", "people", "agents"}:
            return data
        snapshot = self.find_trial(data["application"])
        data["agents"] = self._count_agents(len(snapshot.bought) if snapshot else 0)
        if snapshot is not None:
            self.choose(snapshot, {LicenseKind.AGENT: data["agents"]})
        return data

    def _count_agents(self, standing: int) -> int:
        """Return the additional agent licenses: as named, else as people need, else as they are."""
        named, people = self.cleaned_data["agents"], self.cleaned_data["people"]
        if named is not None:
            return int(named)
        if people is None:
            return standing
        return people_to_extra_agents(people, self.included[self.cleaned_data["edition"]])

    def order_request(self) -> OrderRequest:
        data = self.cleaned_data
        return OrderRequest(
            kind=OrderKind.NEW,
            application=data["application"].pk,
            edition=data["edition"],
            unit=data["unit"],
            count=data["count"],
            agents=data["agents"],
            sip=data["sip"] or 0,
            ending=tuple(pk for _held, ending in self.endings for pk in ending.chosen),
            **self._offers(),
        )
