"""Audit events in words that people read."""

from functools import cache
from importlib import import_module

from django.apps import apps
from django.utils.functional import Promise
from django.utils.module_loading import module_has_submodule

from accounts.models import AuditEvent

Words = dict[str, str | Promise]


@cache
def _gathered() -> tuple[Words, Words]:
    """All apps' sentences and names of states, from their modules called `audit_words`."""
    sentences: Words = {}
    states: Words = {}
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "audit_words"):
            words = import_module(f"{app.name}.audit_words")
            sentences.update(words.SENTENCES)
            states.update(getattr(words, "STATES", {}))
    return sentences, states


def _plain(word: str) -> str:
    return word.replace("_", " ")


def state_name(state: str) -> str:
    """Return the name of a state that an event went from or to."""
    _sentences, states = _gathered()
    return str(states.get(state, _plain(state)))


def known_verbs() -> dict[str, str]:
    """Return all verbs that have a sentence, each with words for a list to choose from."""
    sentences, _states = _gathered()
    return {verb: verb_name(verb) for verb in sorted(sentences)}


def verb_name(verb: str) -> str:
    """Return a verb's sentence with its blanks left open."""
    sentences, _states = _gathered()
    if verb not in sentences:
        return _plain(verb.replace(".", " ")).capitalize()
    return str(sentences[verb]) % {"target": "…", "from": "…", "to": "…"}


def describe(event: AuditEvent) -> str:
    """Return what happened as a sentence; a verb without words is shown as it is."""
    sentences, _states = _gathered()
    sentence = sentences.get(event.verb)
    if sentence is None:
        return f"{verb_name(event.verb)}: {event.target_label}"
    return str(sentence) % {
        "target": event.target_label,
        "from": state_name(event.from_state),
        "to": state_name(event.to_state),
    }
