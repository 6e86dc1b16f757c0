package onnxtwin.runner;

import java.util.List;

/** What is asked: the outputs of these names for these inputs; with calls, how long that takes. */
final class Request {
  final List<String> outputs;
  final List<Tensor> inputs;
  final int calls;

  Request(List<String> outputs, List<Tensor> inputs, int calls) {
    this.outputs = outputs;
    this.inputs = inputs;
    this.calls = calls;
  }
}
