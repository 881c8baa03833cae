"""The CRM's own actions; found by `autodiscover_modules("actions")`."""

from workflows.registries import actions

actions.load("crm.actions")
