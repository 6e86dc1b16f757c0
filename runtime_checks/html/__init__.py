"""The report as one page: opens offline, no script, no network, light and dark, for screen and phone.

Above, in plain words, what a person who answers for the model wants to know; below, what an engineer needs.
"""

from onnxtwin.runtime_checks.html.page import page

__all__ = ["page"]
