"""What this app's audit verbs mean, in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agents.enums import ActName

SENTENCES: dict[str, str | Promise] = {
    "agent_act.begun": _("Act on many agents started: %(target)s"),
    "agent_act.canceled": _("Act on many agents canceled: %(target)s"),
    "agent_act.done": _("Act on many agents done: %(target)s"),
    "agent_act.stopped": _("Act on many agents stopped: %(target)s"),
    "agent_import.begun": _("Import of agents begun: %(target)s"),
    "agent_import.canceled": _("Import of agents canceled: %(target)s"),
    "agent_import.stopped": _("Import of agents stopped: %(target)s"),
    "agent.added": _("Agent %(target)s added"),
    "agent.deleted": _("Agent %(target)s deleted"),
    "agent.disabled": _("Agent %(target)s disabled"),
    "agent.edited": _("Details of agent %(target)s changed"),
    "agent.enabled": _("Agent %(target)s enabled"),
    "agent.license_assigned": _("License assigned to agent %(target)s"),
    "agent.license_freed": _("License of agent %(target)s released"),
    "agents.imported": _("Agents imported from a file: %(target)s"),
    "skill_group.added": _("Skill group %(target)s added"),
    "skill_group.deleted": _("Skill group %(target)s deleted"),
    "skill_group.renamed": _("Skill group renamed: now %(target)s"),
    "telephone.bound": _("Telephone %(target)s bound to an agent"),
    "telephone.edited": _("Details of telephone %(target)s changed"),
    "telephone.license_assigned": _("License assigned to telephone %(target)s"),
    "telephone.license_freed": _("License of telephone %(target)s released"),
    "telephone.password_reset": _("New password for telephone %(target)s"),
    "telephone.registered": _("Telephone %(target)s registered"),
    "telephone.removed": _("Telephone %(target)s removed"),
    "telephone.unbound": _("Telephone %(target)s unbound from its agent"),
}

#: News of an act on many agents names it by its stored value.
STATES: dict[str, str | Promise] = dict(ActName.choices)

SUBJECTS: dict[str, str | Promise] = {
    "agent": _("Agents"),
    "agent_act": _("Acts on many agents"),
    "agent_import": _("Imports of agents"),
    "agents": _("Imports of agents"),
    "skill_group": _("Skill groups"),
    "telephone": _("SIP telephones"),
}
