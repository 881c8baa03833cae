"""What all tests share."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


def forbid_outside_world(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no test talk to anything but this machine."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        raise PermissionError(f"A test wanted to connect to {host}. Tests talk to this machine only.")


sys.addaudithook(forbid_outside_world)
