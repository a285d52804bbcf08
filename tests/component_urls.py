"""The console's addresses with the page of all components, as while debugging."""

from django.urls import path

from config.components import components
from config.urls import (
    handler400,
    handler403,
    handler404,
    handler500,
)
from config.urls import urlpatterns as of_console

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [*of_console, path("components/", components, name="components")]
