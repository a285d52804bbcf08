"""Addresses of an application's agents, telephones and skill groups."""

from django.urls import URLPattern, path

from agents.views import (
    act_pages,
    acts,
    agents,
    groups,
    imports,
    management,
    refunds,
    telephone_acts,
    telephones,
)

app_name = "agents"

APPLICATION = "console/<uin:uin>/applications/<sdkappid:sdkappid>"

urlpatterns: list[URLPattern] = [
    path(f"{APPLICATION}/agents/", management.management, name="management"),
    path(f"{APPLICATION}/agents/summary/", management.summary, name="summary"),
    path(f"{APPLICATION}/agents/refund/", refunds.refund_dialog, name="refund"),
    path(f"{APPLICATION}/agents/refund/confirm/", refunds.confirm_refund, name="refund_confirm"),
    path(f"{APPLICATION}/agents/export/", imports.export, name="export"),
    path(f"{APPLICATION}/agents/import/", imports.send, name="import"),
    path(f"{APPLICATION}/agents/import/template/", imports.template, name="import_template"),
    path(f"{APPLICATION}/agents/import/<int:pk>/", imports.import_page, name="import_file"),
    path(f"{APPLICATION}/agents/import/<int:pk>/check/", imports.check, name="import_check"),
    path(f"{APPLICATION}/agents/import/<int:pk>/run/", imports.import_run, name="import_run"),
    path(
        f"{APPLICATION}/agents/import/<int:pk>/progress/", imports.progress, name="import_progress"
    ),
    path(
        f"{APPLICATION}/agents/import/<int:pk>/cancel/", imports.import_cancel, name="import_cancel"
    ),
    path(
        f"{APPLICATION}/agents/import/<int:pk>/problems/", imports.problems, name="import_problems"
    ),
    path(f"{APPLICATION}/agents/add/", agents.agent_add, name="add"),
    path(f"{APPLICATION}/agents/<int:pk>/edit/", agents.agent_edit, name="edit"),
    *(
        path(f"{APPLICATION}/agents/{name}/", acts.act_on_agents, {"act": name}, name=name)
        for name in acts.ACTS
    ),
    path(f"{APPLICATION}/agents/acts/<int:pk>/", act_pages.act_page, name="act"),
    path(f"{APPLICATION}/agents/acts/<int:pk>/cancel/", act_pages.act_cancel, name="act_cancel"),
    path(f"{APPLICATION}/agents/acts/<int:pk>/undo/", act_pages.act_undo, name="act_undo"),
    path(f"{APPLICATION}/telephones/", telephones.telephones, name="telephones"),
    path(
        f"{APPLICATION}/telephones/register/",
        telephones.telephone_register,
        name="telephone_register",
    ),
    path(
        f"{APPLICATION}/telephones/<int:pk>/edit/",
        telephone_acts.telephone_edit,
        name="telephone_edit",
    ),
    path(
        f"{APPLICATION}/telephones/<int:pk>/password/", telephone_acts.reset, name="telephone_reset"
    ),
    path(f"{APPLICATION}/telephones/<int:pk>/bind/", telephone_acts.bind, name="telephone_bind"),
    *(
        path(
            f"{APPLICATION}/telephones/<int:pk>/{name}/",
            telephone_acts.act_on_telephone,
            {"act": name},
            name=f"telephone_{name}",
        )
        for name in telephone_acts.PLAIN_ACTS
    ),
    path(f"{APPLICATION}/skill-groups/", groups.skill_groups, name="skill_groups"),
    path(f"{APPLICATION}/skill-groups/add/", groups.group_add, name="skill_group_add"),
    path(
        f"{APPLICATION}/skill-groups/<int:pk>/edit/", groups.group_rename, name="skill_group_edit"
    ),
    path(f"{APPLICATION}/skill-groups/<int:pk>/delete/", groups.delete, name="skill_group_delete"),
]
