"""The registries of plug-ins: drop a file into the folder and it is known."""

from records.registry import Registry

actions = Registry("action")
triggers = Registry("trigger")
goals = Registry("goal")
#: What a record can wait for.
events = Registry("event")
#: What a workflow can be attached to.
attachments = Registry("attachment")
