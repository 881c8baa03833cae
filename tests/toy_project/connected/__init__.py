"""An app that connects the library with a rubber stamp: being installed, it contributes an action."""
