"""What jobs are doing with an application's agents: acts on many of them, and large imports."""

from itertools import chain

from django.db.models import Exists, OuterRef, QuerySet

from accounts.enums import WorkStatus
from accounts.models import Application
from agents.enums import ImportStatus
from agents.models import AgentAct, AgentImport


def _acts() -> "QuerySet[AgentAct]":
    return AgentAct.objects.filter(status=WorkStatus.WAITING)


def _imports() -> "QuerySet[AgentImport]":
    return AgentImport.objects.filter(status=ImportStatus.WAITING)


def with_work() -> "QuerySet[Application]":
    """Return applications that know by `has_work` whether something of theirs is under way."""
    place = {"account": OuterRef("account"), "application": OuterRef("pk")}
    return Application.objects.annotate(
        has_work=Exists(_acts().filter(**place)) | Exists(_imports().filter(**place))
    )


def find_work(application: Application) -> list[AgentAct | AgentImport]:
    """Return the work of an application that runs or is still to begin, the oldest first."""
    place = {"account_id": application.account_id, "application": application}
    acts = _acts().filter(**place).defer("agents", "unchanged")
    imports = _imports().filter(**place).defer("content", "problems", "preview")
    return sorted(chain(acts, imports), key=lambda work: work.created_at)
