"""Who holds which license: what billing asks by `settings.LICENSE_HOLDERS`. Reads only."""

from collections.abc import Iterable

from agents.models import Agent, SipTelephone
from billing.packages.holders import Holder


def find_license_holders(license_ids: Iterable[int]) -> dict[int, Holder]:
    """Return the agent, or the telephone, that holds each of these licenses; two queries."""
    ids = list(license_ids)
    agents = Agent.objects.filter(license__in=ids).only(
        "license", "name", "staff_number", "is_enabled", "updated_at"
    )
    telephones = SipTelephone.objects.filter(license__in=ids).only(
        "license", "label", "extension", "updated_at"
    )
    held = [
        (
            agent.license_id,
            f"{agent.name} ({agent.staff_number})",
            agent.is_enabled,
            agent.updated_at,
        )
        for agent in agents
    ] + [
        (phone.license_id, f"{phone.label} ({phone.extension})", True, phone.updated_at)
        for phone in telephones
    ]
    return {
        license_id: Holder(license_id, label, is_enabled, changed_at)
        for license_id, label, is_enabled, changed_at in held
        if license_id is not None
    }
