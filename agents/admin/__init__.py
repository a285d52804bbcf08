"""Staff's pages for agents, telephones and skill groups: read, never changed."""

from django.contrib import admin

from accounts.admin.base import LeanAdmin, ReadOnlyInline
from agents.models import (
    Agent,
    AgentAct,
    AgentImport,
    SipTelephone,
    SkillGroup,
    SkillGroupMember,
)


class SkillGroupRows(ReadOnlyInline):
    """The skill groups that an agent is in."""

    model = SkillGroupMember
    fields = ("group",)


@admin.register(Agent)
class AgentAdmin(LeanAdmin):
    list_display = (
        "name",
        "staff_number",
        "email",
        "account",
        "application",
        "role",
        "extension",
        "is_enabled",
        "license",
    )
    list_select_related = ("account", "application", "license")
    search_fields = ("=account__uin", "=application__sdkappid")
    inlines = (SkillGroupRows,)


@admin.register(SipTelephone)
class SipTelephoneAdmin(LeanAdmin):
    list_display = ("label", "extension", "account", "application", "license", "agent")
    list_select_related = ("account", "application", "license", "agent")
    search_fields = ("=account__uin", "=application__sdkappid")
    # Not even the hash of a password is anyone's business here.
    exclude = ("password",)


@admin.register(SkillGroup)
class SkillGroupAdmin(LeanAdmin):
    list_display = ("name", "account", "application")
    list_select_related = ("account", "application")
    search_fields = ("=account__uin", "=application__sdkappid")


@admin.register(AgentImport)
class AgentImportAdmin(LeanAdmin):
    list_display = ("id", "account", "application")
    list_select_related = ("account", "application")
    search_fields = ("=account__uin",)


@admin.register(AgentAct)
class AgentActAdmin(LeanAdmin):
    list_display = ("id", "name", "account", "application", "total", "done", "status")
    list_select_related = ("account", "application")
    search_fields = ("=account__uin",)
    # Keys by the hundred thousand are nothing to look at.
    exclude = ("agents", "unchanged")
