"""What the address of the list asks for."""

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import SearchField
from accounts.models import Application
from agents.enums import AgentRole, ServiceState
from agents.listing import DEFAULT_SORT, SORT_ORDERS, AgentFilter
from agents.models import SkillGroup

_ANY = ("", _("All"))


class FilterForm(forms.Form):
    """Search, filters and sort order; none is required, and faults are told beside the field."""

    search = SearchField(
        label=_("Search"),
        max_length=254,
        required=False,
        widget=forms.SearchInput(
            attrs={"placeholder": _("Name, staff number, email, extension"), "autocomplete": "off"}
        ),
    )
    state = forms.ChoiceField(
        label=_("State"), choices=[_ANY, *ServiceState.choices], required=False
    )
    role = forms.ChoiceField(label=_("Role"), choices=[_ANY, *AgentRole.choices], required=False)
    group = forms.ModelChoiceField(
        label=_("Skill group"),
        queryset=SkillGroup.objects.none(),
        required=False,
        empty_label=_("All"),
    )
    licensed = forms.ChoiceField(
        label=_("License"),
        choices=[_ANY, ("yes", _("With a license")), ("no", _("Without a license"))],
        required=False,
    )
    sort = forms.ChoiceField(
        choices=[(f"{sign}{name}", "") for name in SORT_ORDERS for sign in ("", "-")],
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, data: QueryDict, *, application: Application) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.groups = list(groups_of(application))
        field = self.fields["group"]
        field.queryset = groups_of(application)  # type: ignore[attr-defined]
        # Said here, since the field would read them from the database once more.
        field.choices = [_ANY, *((group.pk, group.name) for group in self.groups)]  # type: ignore[attr-defined]

    def agent_filter(self) -> AgentFilter:
        """Return which agents are meant. Only for a valid form."""
        return AgentFilter.from_clean(self.cleaned_data)

    @property
    def sort_name(self) -> str:
        """Return the sort order's name, with a minus sign for the opposite order."""
        return str(self.cleaned_data.get("sort") or DEFAULT_SORT)


def groups_of(application: Application) -> QuerySet[SkillGroup]:
    """Return an application's skill groups by name."""
    own = SkillGroup.objects.filter(account_id=application.account_id, application=application)
    return own.order_by("name")
