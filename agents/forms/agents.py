"""The form of one agent."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import RefusableForm
from accounts.models import Application
from agents.fields import AGENT_FIELDS
from agents.models import Agent, SkillGroup
from agents.services.agents import AgentDetails


class AgentForm(RefusableForm):
    """What is stated about an agent. `details()` gives it to the services."""

    name = AGENT_FIELDS["name"]
    nickname = AGENT_FIELDS["nickname"]
    staff_number = AGENT_FIELDS["staff_number"]
    email = AGENT_FIELDS["email"]
    phone = AGENT_FIELDS["phone"]
    role = AGENT_FIELDS["role"]
    extension = AGENT_FIELDS["extension"]
    groups = forms.ModelMultipleChoiceField(
        label=_("Skill groups"),
        queryset=SkillGroup.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, application: Application, **options: Any) -> None:
        super().__init__(*args, **options)
        groups = SkillGroup.objects.filter(
            account_id=application.account_id, application=application
        )
        self.fields["groups"].queryset = groups.order_by("name")  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(agent: Agent) -> dict[str, Any]:
        """Return the values that an agent has now."""
        names = ("name", "nickname", "staff_number", "email", "phone", "role", "extension")
        values = {name: getattr(agent, name) for name in names}
        return {**values, "groups": list(agent.groups.all())}

    def details(self) -> AgentDetails:
        """Return the clean values. Only for a valid form."""
        values = dict(self.cleaned_data)
        groups = tuple(sorted(group.pk for group in values.pop("groups")))
        names = AgentDetails.__dataclass_fields__
        return AgentDetails(
            **{name: value for name, value in values.items() if name in names}, groups=groups
        )


class AddAgentForm(AgentForm):
    """A new agent, with a license or without one."""

    license = forms.ChoiceField(
        label=_("License"),
        choices=[("yes", _("Give a free license")), ("no", _("Add without a license"))],
        initial="yes",
        widget=forms.RadioSelect,
    )

    @property
    def wants_license(self) -> bool:
        """Whether the new agent should hold a license. Only for a valid form."""
        return bool(self.cleaned_data["license"] == "yes")
