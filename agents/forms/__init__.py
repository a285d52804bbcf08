"""What people may send about agents, cleaned before a service sees it."""

from agents.forms.agents import AddAgentForm, AgentForm
from agents.forms.filters import FilterForm
from agents.forms.selection import Selection, read_selection

__all__ = ["AddAgentForm", "AgentForm", "FilterForm", "Selection", "read_selection"]
