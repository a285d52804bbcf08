"""Which agents an act means: those that were ticked, or all that a filter matches."""

import re
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, QueryDict
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Application
from agents.forms.filters import FilterForm
from agents.listing import AgentFilter, agents_of
from agents.models.agents import AgentQuerySet

_ID = re.compile(r"[0-9]{1,18}\Z")


@dataclass(frozen=True)
class Selection:
    """Agents of one application, by key or by filter."""

    application: Application
    ids: frozenset[int] | None
    agent_filter: AgentFilter

    def agents(self, now: datetime) -> AgentQuerySet:
        """Return the agents that are meant at `now`."""
        own = agents_of(self.application.account_id, self.application.pk)
        if self.ids is not None:
            return own.filter(pk__in=self.ids)
        return self.agent_filter.apply(own, now)


def read_selection(application: Application, query: QueryDict) -> Selection:
    """Read `all=1` with a filter, or `ids`, from an address.

    Raises Refused where nothing, or nothing sensible, is chosen; Http404 where an agent that is
    named is not the application's.
    """
    if query.get("all"):
        form = FilterForm(query, application=application)
        if not form.is_valid():
            raise Refused(_("This filter is invalid."), code="filter_refused")
        return Selection(application, None, form.agent_filter())
    texts = query.getlist("ids")
    if not texts:
        raise Refused(_("Choose at least one agent."), code="nothing_chosen")
    if not all(_ID.match(text) for text in texts):
        raise Http404
    ids = frozenset(map(int, texts))
    if agents_of(application.account_id, application.pk).filter(pk__in=ids).count() != len(ids):
        raise Http404
    return Selection(application, ids, AgentFilter())
