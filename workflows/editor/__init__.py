"""The editor: layout and picture of a definition, its panels and its palette."""
