"""Who holds which licence: what billing asks by `settings.LICENCE_HOLDERS`. Reads only."""

from collections.abc import Iterable

from agents.models import Agent, SipTelephone
from billing.packages.holders import Holder


def find_licence_holders(licence_ids: Iterable[int]) -> dict[int, Holder]:
    """Return the agent, or the telephone, that holds each of these licences; two queries."""
    ids = list(licence_ids)
    agents = Agent.objects.filter(licence__in=ids).only(
        "licence", "name", "staff_number", "is_enabled", "updated_at"
    )
    telephones = SipTelephone.objects.filter(licence__in=ids).only(
        "licence", "label", "extension", "updated_at"
    )
    held = [
        (
            agent.licence_id,
            f"{agent.name} ({agent.staff_number})",
            agent.is_enabled,
            agent.updated_at,
        )
        for agent in agents
    ] + [
        (phone.licence_id, f"{phone.label} ({phone.extension})", True, phone.updated_at)
        for phone in telephones
    ]
    return {
        licence_id: Holder(licence_id, label, is_enabled, changed_at)
        for licence_id, label, is_enabled, changed_at in held
        if licence_id is not None
    }
