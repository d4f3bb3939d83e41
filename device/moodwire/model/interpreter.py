"""The TFLite interpreter, whichever package of it is installed, with the checks it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moodwire.model.greeting import without_greeting
from moodwire.model.manifest import BundleError

OPERATORS = frozenset(
    {
        "ADD",
        "AVERAGE_POOL_2D",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "MAX_POOL_2D",
        "MEAN",
        "PAD",
        "RESHAPE",
    }
)
"""What every supported runtime computes to the same bit with its reference kernels.

Dense layers are left out on purpose: tflite-runtime 2.14 and ai-edge-litert round them apart.
The converter writes them as 1x1 convolutions. None of these loops, branches or touches files.
"""

MOST_TENSOR_BYTES = 32 * 1024 * 1024
"""All tensors of a model together: refuses a small file that would claim a large memory."""


class RuntimeMissingError(RuntimeError):
    """No TFLite runtime can be imported."""


def tflite_module() -> ModuleType:
    """ai-edge-litert where there are wheels, else its predecessor (32-bit ARM)."""
    try:
        from ai_edge_litert import interpreter
    except ImportError as first:
        _let_interruption_through(first)
        try:
            from tflite_runtime import interpreter
        except ImportError as second:
            _let_interruption_through(second)
            raise RuntimeMissingError(
                f"no TFLite runtime: ai-edge-litert ({first}), tflite-runtime ({second}); "
                "install ai-edge-litert (64 bit) or tflite-runtime with numpy<2 (32 bit)"
            ) from None
    module: ModuleType = interpreter
    return module


def runtime_package() -> str:
    """As pip calls it."""
    return tflite_module().__name__.partition(".")[0].replace("_", "-")


def _let_interruption_through(error: BaseException) -> None:
    """Ctrl-C while a compiled module starts: it says that it failed, and why only as the cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise cause
        cause = cause.__cause__ or cause.__context__


class Interpreter:
    """One int8 input, one int8 output, one thread."""

    def __init__(self, model: bytes, reference: bool = False) -> None:
        self._interpreter = _make(model, "BUILTIN_REF" if reference else "AUTO")
        self.input = _only(self._interpreter.get_input_details(), "input")
        self.output = _only(self._interpreter.get_output_details(), "output")
        self._allocate()

    def _allocate(self) -> None:
        try:
            with without_greeting():
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise BundleError(f"the runtime cannot prepare the model: {error}") from None
        self._input_view = self._interpreter.tensor(self.input["index"])
        self._output_view = self._interpreter.tensor(self.output["index"])

    def feed(self, values: NDArray[Any]) -> None:
        """Copy whole numbers within -128..127 into the input tensor."""
        # The view must not outlive the call: the runtime refuses to run while one exists.
        np.copyto(self._input_view()[0], values, casting="unsafe")

    def run(self) -> NDArray[np.int8]:
        """Compute; the result is the caller's to keep."""
        self._interpreter.invoke()
        output: NDArray[np.int8] = self._output_view()[0].copy()
        return output


@dataclass(frozen=True)
class Graph:
    """The runtime's own account of a model, undisturbed by any delegate."""

    operators: list[dict[str, Any]]
    tensors: dict[int, dict[str, Any]]


def read_graph(model: bytes) -> Graph:
    interpreter = _make(model, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
    # No public call tells the operators; this one is the same in both packages since 2019.
    operators = interpreter._get_ops_details()
    return Graph(operators, {each["index"]: each for each in interpreter.get_tensor_details()})


def _make(model: bytes, resolver: str) -> Any:
    module = tflite_module()
    kernels = getattr(module.OpResolverType, resolver)
    try:
        with without_greeting():
            return module.Interpreter(
                model_content=model, num_threads=1, experimental_op_resolver_type=kernels
            )
    except (RuntimeError, ValueError) as error:
        raise BundleError(f"the runtime cannot read the model: {error}") from None


def check_graph(model: bytes) -> None:
    """Refuse foreign operators, open shapes and a hunger for memory, before anything runs."""
    graph = read_graph(model)
    names = {operator["op_name"] for operator in graph.operators}
    if foreign := sorted(names - OPERATORS):
        raise BundleError(
            f"the model uses {', '.join(foreign)}; allowed are {', '.join(sorted(OPERATORS))}"
        )
    size = 0
    for tensor in graph.tensors.values():
        shape = tensor["shape"]
        if tensor["shape_signature"].size and tensor["shape_signature"].min() < 0:
            raise BundleError(f"tensor {tensor['name']!r} has no fixed shape")
        size += int(np.prod(shape, dtype=object) or 1) * np.dtype(tensor["dtype"]).itemsize
    if size > MOST_TENSOR_BYTES:
        raise BundleError(
            f"the model's tensors need {size} bytes; at most {MOST_TENSOR_BYTES} are allowed"
        )


def _only(details: list[dict[str, Any]], what: str) -> dict[str, Any]:
    if len(details) != 1:
        raise BundleError(f"the model has {len(details)} {what}s; one is needed")
    if details[0]["dtype"] is not np.int8:
        found = np.dtype(details[0]["dtype"]).name
        raise BundleError(f"the model's {what} is {found}; int8 is needed: convert it again")
    return details[0]
