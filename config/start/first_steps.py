"""The way of a new account to its first call: four steps, each with the button that does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission
from accounts.models import Application
from agents.models import Agent
from billing.packages.acts import PackageAct
from billing.packages.buttons import button_of
from compliance.models import ConnectionRequest
from config.start.overview import PackageRow, address_of


@dataclass(frozen=True)
class FirstStep:
    """One step: whether it is done, and the button for people who may do it (`url` else empty)."""

    title: str | Promise
    text: str | Promise
    button: str | Promise
    url: str
    is_done: bool
    is_next: bool = False
    is_dialog: bool = False
    hindrance: str | Promise = ""


@dataclass(frozen=True)
class _Scene:
    """What the steps look at: the application that they are about, if there is one."""

    access: AccountAccess
    rows: Sequence[PackageRow]

    @property
    def row(self) -> PackageRow | None:
        live = [row for row in self.rows if row.is_live]
        return next(iter(live or self.rows), None)

    @property
    def application(self) -> Application | None:
        return self.row.application if self.row else None

    def url_if(self, permission: Permission, url: str) -> str:
        return url if self.access.may(permission) else ""


def list_first_steps(access: AccountAccess, rows: Sequence[PackageRow]) -> list[FirstStep]:
    """Return the steps while one of them is still to be done, else nothing.

    At most 2 queries. Not for an account that is restricted: its way is another.
    """
    if not access.account.is_in_good_standing:
        return []
    scene = _Scene(access, rows)
    steps = [_package(scene), _connection(scene), _agents(scene), _licenses(scene)]
    if all(step.is_done for step in steps):
        return []
    following = next(step for step in steps if not step.is_done)
    return [FirstStep(**{**vars(step), "is_next": step is following}) for step in steps]


def _package(scene: _Scene) -> FirstStep:
    row, uin = scene.row, scene.access.account.uin
    if row is None:
        return FirstStep(
            title=_("Activate an application"),
            text=_(
                "It includes a free trial: licenses for your first agents, immediately "
                "and without payment. You can buy later, when you know what you need."
            ),
            button=_("Activate an application"),
            url=scene.url_if(Permission.ACTIVATE, reverse("billing:activate", args=[uin])),
            is_done=False,
            is_dialog=True,
            hindrance=_("An owner of the account can do this."),
        )
    button, url = _way_to_licenses(row)
    return FirstStep(
        title=_("Get licenses: by the trial, or by a package"),
        text=_("A license is one seat: each agent who works holds one."),
        button=button,
        url=scene.url_if(Permission.SPEND, url),
        is_done=row.is_live,
        hindrance=_("An owner or a finance member of the account can do this."),
    )


def _way_to_licenses(row: PackageRow) -> tuple[str | Promise, str]:
    """Return the button that puts the application's agents to work, and where it leads."""
    for act in (PackageAct.RENEW, PackageAct.BUY):
        if act in row.status.acts:
            button = button_of(act, row.application)
            return button.label, button.url
    return _("See the package"), row.manage_url


def _connection(scene: _Scene) -> FirstStep:
    account = scene.access.account
    return FirstStep(
        title=_("Declare your business"),
        text=_("Our staff approve what the calls are about. Until then, no calls go through."),
        button=_("Request a connection"),
        url=scene.url_if(
            Permission.REQUEST_CONNECTION,
            reverse("compliance:request_connection", args=[account.uin]),
        )
        if scene.application
        else "",
        is_done=ConnectionRequest.objects.filter(account=account).exists(),
        hindrance=_by_agent_managers(scene),
    )


def _agents(scene: _Scene) -> FirstStep:
    is_done = any(row.agents_used for row in scene.rows)
    is_done = is_done or Agent.objects.filter(account=scene.access.account).exists()
    return _of_agents(
        scene,
        title=_("Add the agents"),
        text=_("The people who take the calls, one by one or from a file."),
        button=_("Add agents"),
        is_done=is_done,
    )


def _licenses(scene: _Scene) -> FirstStep:
    return _of_agents(
        scene,
        title=_("Assign licenses"),
        text=_("Agents can work as soon as they have a license. Licenses can be reassigned."),
        button=_("Assign licenses"),
        is_done=any(row.agents_used for row in scene.rows),
    )


def _of_agents(
    scene: _Scene, *, title: Promise, text: Promise, button: Promise, is_done: bool
) -> FirstStep:
    url = address_of("agents:management", scene.application) if scene.application else ""
    return FirstStep(
        title=title,
        text=text,
        button=button,
        url=scene.url_if(Permission.MANAGE_AGENTS, url),
        is_done=is_done,
        hindrance=_by_agent_managers(scene),
    )


def _by_agent_managers(scene: _Scene) -> str | Promise:
    if scene.application is None:
        return _("After the first step.")
    return _("An owner or an agent manager of the account can do this.")
