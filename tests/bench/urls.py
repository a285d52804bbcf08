"""The console's addresses, and Django's own admin list of agents to measure against."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path

from agents.models import Agent
from config.urls import urlpatterns as console

site = admin.AdminSite("bench")


class AgentAdmin(admin.ModelAdmin):
    """Django's own list of the same agents, with the same columns."""

    list_display = ("name", "staff_number", "email", "role", "extension", "licence", "is_enabled")
    list_per_page = 25
    list_select_related = ("licence",)
    search_fields = ("name", "staff_number", "email", "extension")
    list_filter = ("role", "is_enabled")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(account_id=request.session["account"])


site.register(Agent, AgentAdmin)
urlpatterns = [*console, path("bench-admin/", site.urls)]
