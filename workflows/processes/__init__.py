"""What the processes of a running installation do, over and over."""
