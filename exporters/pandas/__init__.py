"""pandas in a trace: the DataFrame and Series that a pipeline's own code runs with."""

from onnxtwin.exporters.pandas import frame_methods
from onnxtwin.exporters.pandas.frame import DataFrame
from onnxtwin.exporters.pandas.functions import PANDAS
from onnxtwin.exporters.pandas.series import Series, install

install()
frame_methods.install()

__all__ = ["PANDAS", "DataFrame", "Series"]
