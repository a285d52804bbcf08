"""What each act on a selection of agents may be told."""

from typing import Any, Self

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import WholeNumberField
from accounts.models import Application
from agents.enums import AgentRole
from agents.forms.filters import groups_of
from agents.models import SkillGroup
from agents.previews import Preview
from agents.services.changes import AgentChange


class ActForm(forms.Form):
    """The number of agents that the person confirmed; acts with options add fields."""

    expected = WholeNumberField(
        min_value=0, max_value=10**9, required=False, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, application: Application, **options: Any) -> None:
        super().__init__(*args, **options)
        self.application = application

    def fitted(self, preview: Preview) -> Self:
        """Leave out options that make no sense for what the act would do."""
        return self


class DisableForm(ActForm):
    """Disabling keeps the licenses, unless they are to be freed."""

    frees_licenses = forms.BooleanField(
        label=_("Also free their licenses, so that other agents can have them"), required=False
    )


class AssignForm(ActForm):
    """Assigning is all or nothing, unless the person says otherwise."""

    is_partial_allowed = forms.BooleanField(
        label=_("Assign the free licenses to the agents added first, and skip the others"),
        required=False,
    )

    def fitted(self, preview: Preview) -> Self:
        """Offer the partial way only where there is a part to give."""
        if not (preview.missing and preview.free):
            self.fields.pop("is_partial_allowed", None)
        return self


class MoveForm(ActForm):
    """Moving names those who take over."""

    staff_numbers = forms.CharField(
        label=_("Staff numbers of the agents who receive the licenses"),
        help_text=_("One on each line, in the order of the agents above."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_staff_numbers(self) -> list[str]:
        """Return the numbers, blank lines left out."""
        lines = [line.strip() for line in self.cleaned_data["staff_numbers"].splitlines()]
        numbers = [line for line in lines if line]
        limit = settings.AGENTS_CHANGED_AT_ONCE
        if len(numbers) > limit:
            raise forms.ValidationError(
                _("You can move at most %(limit)d licenses at a time.") % {"limit": limit}
            )
        return numbers


class ChangeForm(ActForm):
    """Changing role and skill groups; what is left empty stays as it is."""

    role = forms.ChoiceField(
        label=_("Role"), choices=[("", _("Keep as it is")), *AgentRole.choices], required=False
    )
    joins = forms.ModelMultipleChoiceField(
        label=_("Join these skill groups"),
        queryset=SkillGroup.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    leaves = forms.ModelMultipleChoiceField(
        label=_("Leave these skill groups"),
        queryset=SkillGroup.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, application: Application, **options: Any) -> None:
        super().__init__(*args, application=application, **options)
        for name in ("joins", "leaves"):
            self.fields[name].queryset = groups_of(application)  # type: ignore[attr-defined]

    def change(self) -> AgentChange:
        """Return what should change. Only for a valid form."""
        return AgentChange(
            role=self.cleaned_data["role"],
            joins=frozenset(group.pk for group in self.cleaned_data["joins"]),
            leaves=frozenset(group.pk for group in self.cleaned_data["leaves"]),
        )
