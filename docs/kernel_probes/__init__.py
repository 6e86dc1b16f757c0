"""The questions that ``make_kernels.py`` asks every supported onnxruntime: one node, its inputs, its answer.

A probe is one operator with inputs of one element type. Its values are the hostile ones of that type; its
answer is numpy's.
"""

import numpy as np

from kernel_probes import elementwise, graphs, models, reductions, shaping, text
from kernel_probes.probe import Probe

FAMILIES = (elementwise, reductions, shaping, text, models, graphs)


def probes() -> list[Probe]:
    """All probes, in the order of the table."""
    with np.errstate(all="ignore"):
        return [probe for family in FAMILIES for probe in family.probes()]
