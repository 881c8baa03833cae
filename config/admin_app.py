"""Django's admin with Headrace's site."""

from django.contrib.admin.apps import AdminConfig


class HeadraceAdminConfig(AdminConfig):
    default = False
    default_site = "config.admin.HeadraceSite"
