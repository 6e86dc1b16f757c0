"""A runner in Python that speaks the protocol of runtime_checks/process.py; started by its tests."""

import json
import struct
import sys

import numpy as np
import onnxruntime as ort

DTYPES = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "BOOL": "|b1"}
NAMES = {"float64": "FP64", "float32": "FP32", "int64": "INT64", "bool": "BOOL", "object": "BYTES"}


def read(entry):
    data = sys.stdin.buffer.read(entry["bytes"])
    if entry["datatype"] != "BYTES":
        return np.frombuffer(data, DTYPES[entry["datatype"]]).reshape(entry["shape"])
    texts, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return np.array(texts, dtype=object).reshape(entry["shape"])


def write(head, arrays=()):
    buffers = []
    for name, array in arrays:
        if array.dtype == object:
            texts = [text.encode() for text in array.ravel()]
            data = b"".join(struct.pack("<I", len(text)) + text for text in texts)
        else:
            data = array.tobytes()
        entry = {"name": name, "datatype": NAMES[array.dtype.name], "shape": array.shape, "bytes": len(data)}
        head.setdefault("outputs", []).append(entry)
        buffers.append(data)
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(buffers))
    sys.stdout.buffer.flush()


def main():
    try:
        session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    except ort.capi.onnxruntime_pybind11_state.InvalidProtobuf as error:
        write({"error": str(error)})
        return
    write({"protocol": 1, "versions": {"onnxruntime": ort.__version__}})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        feeds = {entry["name"]: read(entry) for entry in request["inputs"]}
        if any("die" in tensor.ravel().tolist() for tensor in feeds.values() if tensor.dtype == object):
            sys.exit("told to die")
        if request["op"] == "time":
            write({"nanoseconds": 1500.0})
            continue
        write({"outputs": []}, zip(request["outputs"], session.run(request["outputs"], feeds), strict=True))


main()
