"""How C# spells the names of a client, and the types of its columns and answers."""

from __future__ import annotations

from onnxtwin.build.clients.naming import Naming, pascal
from onnxtwin.build.clients.view import Field, GraphOutput, Spelling

_WORDS = """
abstract as base bool break byte case catch char checked class const continue decimal default delegate
do double else enum event explicit extern false finally fixed float for foreach goto if implicit in int
interface internal is lock long namespace new null object operator out override params private protected
public readonly ref return sbyte sealed short sizeof stackalloc static string struct switch this throw
true try typeof uint ulong unchecked unsafe ushort using virtual void volatile while
"""

KEYWORDS = frozenset(_WORDS.split())
"""https://learn.microsoft.com/dotnet/csharp/language-reference/keywords/"""

_OBJECT = {"Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"}
_RECORD = {"Clone", "Deconstruct", "EqualityContract", "FromValues", "PrintMembers"}
_DICTIONARY = {"ContainsKey", "Count", "GetEnumerator", "Item", "Keys", "Names", "TryGetValue", "Values"}
_USED = """
Action Array Check ConcurrentBag Console DateTime DateTimeOffset Dictionary DomainException Enumerable
Exception Func IDisposable IReadOnlyList InferenceSession List Math ModelException ModelFileException
ModelOptions ModelRuntimeException NamedValues OnnxRuntimeException OrtValue OutputResult Parallel
Replay Resources RowException RowFault SelfTestException SelfTestResult String System Task Tensors
TimeSpan
"""
_CLIENT = set(_USED.split())
"""Types that the generated code speaks of."""

SPELLING = Spelling(
    type=Naming(pascal, frozenset(_CLIENT | _OBJECT), suffix="Model", digits="Model"),
    field=Naming(pascal, frozenset(_OBJECT | _RECORD), digits="Column"),
    method=Naming(pascal, frozenset(_OBJECT)),
    member=Naming(pascal, frozenset(_OBJECT | _RECORD | _DICTIONARY), digits="Class"),
)

TENSOR_TYPES = {"float64": "double", "float32": "float", "int64": "long", "bool": "bool", "string": "string"}

_WHOLE = {
    "int8": "sbyte",
    "uint8": "byte",
    "int16": "short",
    "uint16": "ushort",
    "int32": "int",
    "uint32": "uint",
}

_ANSWERS = {
    "predict_proba": "Probabilities",
    "predict_log_proba": "LogProbabilities",
    "decision_function": "Decision",
    "score_samples": "Score",
    "transform": "Values",
}


def base_type(field: Field) -> str:
    """The type of a column's values, without the missing one."""
    if field.kind == "instant":
        return "DateTimeOffset" if field.zone else "DateTime"
    if field.kind == "duration":
        return "TimeSpan"
    if field.kind == "integer":
        return _WHOLE.get(field.column.dtype.lower(), "long")
    return "bool" if field.kind == "flag" else TENSOR_TYPES[field.tensor]


def field_type(field: Field) -> str:
    """The type of a column's property."""
    return base_type(field) + "?" * field.nullable


def parameters(fields: tuple[Field, ...]) -> list[str]:
    """The names of a constructor's parameters, one a field and no two alike."""
    made: list[str] = []
    for field in fields:
        name = field.identifier[0].lower() + field.identifier[1:]
        while name in made:
            name += "_"
        made.append(name)
    return ["@" + name if name in KEYWORDS else name for name in made]


def answer_name(output: GraphOutput) -> str:
    """The property of an answer that one output tensor fills."""
    spec = output.output
    if spec.method == "predict":
        name = "Label" if output.width is None and output.labels is not None else "Value"
        name += "s" * (output.width is not None)
    else:
        name = _ANSWERS[spec.method]
    if spec.index is None:
        return name
    return output.identifier if spec.container == "DataFrame" and spec.columns else f"{name}{spec.index}"


def answer_type(output: GraphOutput) -> str:
    """The type of one value of an output."""
    return TENSOR_TYPES[output.tensor] + "?" * output.nullable
