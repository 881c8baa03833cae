"""The project as an app, so that its commands and static files are found."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
