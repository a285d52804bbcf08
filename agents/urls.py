"""Addresses of an application's agents, telephones and skill groups."""

from django.urls import URLPattern, path

from agents.views import acts, agents, management, refunds

app_name = "agents"

APPLICATION = "console/<uin:uin>/applications/<sdkappid:sdkappid>"

urlpatterns: list[URLPattern] = [
    path(f"{APPLICATION}/agents/", management.management, name="management"),
    path(f"{APPLICATION}/agents/summary/", management.summary, name="summary"),
    path(f"{APPLICATION}/agents/refund/", refunds.refund, name="refund"),
    path(f"{APPLICATION}/agents/refund/confirm/", refunds.confirm_refund, name="refund_confirm"),
    path(f"{APPLICATION}/agents/add/", agents.add, name="add"),
    path(f"{APPLICATION}/agents/<int:pk>/edit/", agents.edit, name="edit"),
    *(
        path(f"{APPLICATION}/agents/{name}/", acts.act_on_agents, {"act": name}, name=name)
        for name in acts.ACTS
    ),
]
