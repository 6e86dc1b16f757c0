"""Lists the packages: the top-level folders are sub-packages of ``onnxtwin``, nested ones included.

Everything else is in pyproject.toml; a list of packages there would have to be kept by hand.
"""

from setuptools import find_packages, setup

FLOORS = ("exporters", "build", "runtime_checks")

packages = ["onnxtwin", *(f"onnxtwin.{name}" for name in find_packages("onnxtwin"))]
for floor in FLOORS:
    packages += [f"onnxtwin.{floor}", *(f"onnxtwin.{floor}.{name}" for name in find_packages(floor))]

# `build/` is a source folder here; setuptools would otherwise write into it.
setup(packages=packages, options={"build": {"build_base": ".setuptools"}})
