"""The playground: a static page that runs an artifact in the browser, for people who do not write code."""

from onnxtwin.build.playground.page import ONNXRUNTIME_WEB, write_playground

__all__ = ["ONNXRUNTIME_WEB", "write_playground"]
