"""The Python client: a typed package that needs numpy and onnxruntime only."""
