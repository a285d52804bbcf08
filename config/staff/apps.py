"""The administration with the staff's own first page."""

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    """Stands in place of `django.contrib.admin`."""

    default_site = "config.staff.site.StaffSite"
