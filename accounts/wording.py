"""Audit events in words that people read."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module

from django.apps import apps
from django.utils.functional import Promise
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext_lazy as _

from accounts.enums import Role
from accounts.models import AuditEvent

Words = dict[str, str | Promise]

#: What each role may do, for the page on which owners give them.
ROLE_EXPLANATIONS: dict[str, Promise | str] = {
    Role.OWNER: _(
        "Full access. Only owners can activate applications, manage members and file appeals."
    ),
    Role.FINANCE: _(
        "Buys, renews, pays and requests refunds. Sees orders, funds, coupons and the audit trail."
    ),
    Role.AGENT_MANAGER: _(
        "Manages, imports and exports agents and SIP telephones, and declares what "
        "numbers are used for."
    ),
    Role.VIEWER: _("Sees applications, agents and violations, but not money or the audit trail."),
}


@dataclass(frozen=True)
class _Gathered:
    sentences: Words
    states: Words
    subjects: Words
    internal: frozenset[str]


@cache
def _gathered() -> _Gathered:
    """All apps' words, from their modules called `audit_words`."""
    sentences: Words = {}
    states: Words = {}
    subjects: Words = {}
    internal: set[str] = set()
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "audit_words"):
            words = import_module(f"{app.name}.audit_words")
            sentences.update(words.SENTENCES)
            states.update(getattr(words, "STATES", {}))
            subjects.update(getattr(words, "SUBJECTS", {}))
            internal.update(getattr(words, "INTERNAL", ()))
    return _Gathered(sentences, states, subjects, frozenset(internal))


def visible_verbs() -> list[str]:
    """Return the verbs that customers may read."""
    words = _gathered()
    return sorted(set(words.sentences) - words.internal)


def visible_subjects() -> list[tuple[str, str]]:
    """Return the nouns that customers' verbs begin with, each with its name, by name."""
    nouns = {verb.partition(".")[0] for verb in visible_verbs()}
    named = [(noun, str(_gathered().subjects.get(noun, _plain(noun)))) for noun in nouns]
    return sorted(named, key=lambda pair: pair[1].casefold())


def _plain(word: str) -> str:
    return word.replace("_", " ").capitalize()


def state_name(state: str) -> str:
    """Return the name of a state that an event went from or to."""
    return str(_gathered().states.get(state, state.replace("_", " ")))


def describe_event(event: AuditEvent) -> str:
    """Return what happened as a sentence; a verb without words is shown as it is."""
    sentence = _gathered().sentences.get(event.verb)
    if sentence is None:
        return f"{_plain(event.verb.replace('.', ' '))}: {event.target_label}"
    return str(sentence) % {
        "target": event.target_label,
        "from": state_name(event.from_state),
        "to": state_name(event.to_state),
    }
