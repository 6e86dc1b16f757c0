"""The leaves of scikit-learn; each module bears the name of the scikit-learn module it serves.

Importing the package registers every exporter in it: a new one is a function in an obvious file.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
