"""The way back from an act that is not final, offered in the message that says it was done."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import Application
from agents.models.agents import AgentQuerySet
from agents.views.places import place_of

#: Says in an address that an act takes another one back; it is not offered to be taken back again.
UNDOING = "undo"
#: For more agents than this the way back is not kept in the message.
LIMIT = 100


@dataclass(frozen=True)
class Undo:
    """How an act is taken back: by the act of that name, on the agents that the first changes.

    `is_offered` says for the clean form whether that would bring everything back.
    """

    name: str
    changes: Callable[[AgentQuerySet, datetime], AgentQuerySet]
    is_offered: Callable[[Any], bool] = lambda form: True


def find_changing(
    request: HttpRequest, undo: Undo | None, chosen: AgentQuerySet, form: Any, now: datetime
) -> list[int]:
    """Return the agents that the act is about to change, where it can be taken back for all."""
    if undo is None or UNDOING in request.GET or not undo.is_offered(form):
        return []
    changing = undo.changes(chosen, now).order_by("pk").values_list("pk", flat=True)
    found = list(changing[: LIMIT + 1])
    return found if len(found) <= LIMIT else []


def with_undo(
    sentence: str | Promise, application: Application, undo: Undo, ids: Sequence[int]
) -> SafeString:
    """Add the way back: immediately with htmx, else by the dialog that asks first."""
    place = place_of(application)
    query = QueryDict(mutable=True)
    query.setlist("ids", list(map(str, ids)))
    query[UNDOING] = "1"
    url = f"{reverse(f'agents:{undo.name}', kwargs=place)}?{query.urlencode()}"
    return format_html(
        '{} <a class="button small undo" href="{}" hx-post="{}" hx-vals="{}" '
        'hx-target="#dialog-content" hx-swap="innerHTML">{}</a>',
        sentence,
        url,
        url,
        json.dumps({"expected": len(ids)}),
        _("Undo"),
    )
