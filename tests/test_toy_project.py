"""`records` and `workflows` in a project of its own, which has no CRM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.covers("ACG-04", "ACG-06")
def test_another_project_automates_its_own_models_without_the_crm() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.toy_project.story"],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "Every long book was marked, without a CRM.\n"
