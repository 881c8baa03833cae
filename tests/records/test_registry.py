"""Registries of plug-ins: their order is that of the modules, whoever has imported one of these before."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from records.registry import Registry


def test_plug_ins_come_in_the_order_of_their_modules_whoever_imports_one_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "plugged"
    package.mkdir()
    (package / "__init__.py").write_text('from records.registry import Registry\nfound = Registry("thing")\n')
    for name in ("beta", "alpha", "gamma"):
        text = f'from plugged import found\n\n@found.register\nclass One:\n    slug = "{name}"\n'
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    found: Registry = importlib.import_module("plugged").found
    importlib.import_module("plugged.gamma")
    assert list(found) == ["gamma"]
    found.load("plugged")
    assert list(found) == ["alpha", "beta", "gamma"]
    for name in [name for name in sys.modules if name.startswith("plugged")]:
        del sys.modules[name]
