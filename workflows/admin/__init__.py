"""The admin of workflows, a file per model; dropping a file here is all its registration."""

import importlib
import pkgutil

for module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{module.name}")
