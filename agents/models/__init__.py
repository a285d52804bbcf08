"""Agents, their skill groups, and SIP telephones."""

from agents.models.acts import AgentAct
from agents.models.agents import Agent
from agents.models.groups import SkillGroup, SkillGroupMember
from agents.models.imports import AgentImport
from agents.models.telephones import SipTelephone

__all__ = [
    "Agent",
    "AgentAct",
    "AgentImport",
    "SipTelephone",
    "SkillGroup",
    "SkillGroupMember",
]
