"""The client in TypeScript: an npm package on onnxruntime-node."""
