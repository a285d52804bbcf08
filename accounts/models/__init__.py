"""Tenants, people and history. This app knows no money and no package."""

from accounts.models.audit import AuditEvent
from accounts.models.exports import Export
from accounts.models.jobs import Job
from accounts.models.joining import Invitation, PendingAccount
from accounts.models.mail import OutgoingMail
from accounts.models.notifications import Notification
from accounts.models.proposals import Proposal
from accounts.models.runs import CommandRun
from accounts.models.tenants import Account, Application, Entity, Membership, Restriction
from accounts.models.users import User

__all__ = [
    "Account",
    "Application",
    "AuditEvent",
    "CommandRun",
    "Entity",
    "Export",
    "Invitation",
    "Job",
    "Membership",
    "Notification",
    "OutgoingMail",
    "PendingAccount",
    "Proposal",
    "Restriction",
    "User",
]
