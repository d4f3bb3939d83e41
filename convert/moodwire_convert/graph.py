"""What a model costs, counted from the TFLite graph itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from moodwire.model.interpreter import Graph, check_graph, read_graph
from moodwire_convert.export import ConversionError


@dataclass(frozen=True)
class Cost:
    macs: int
    """Multiply-adds per window."""
    parameters: int
    """Weights and biases."""


def count(model: bytes) -> Cost:
    graph = read_graph(model)
    macs = sum(_macs(graph, operator) for operator in graph.operators)
    constants = {index for operator in graph.operators for index in _weights(operator)}
    return Cost(macs, sum(prod(_shape(graph, index)) for index in constants))


def check_full_int8(model: bytes) -> None:
    """Refuse a graph that the device would, or in which a layer answers in anything but int8."""
    check_graph(model)
    graph = read_graph(model)
    produced = {int(index) for operator in graph.operators for index in operator["outputs"]}
    for index in sorted(produced):
        tensor = graph.tensors[index]
        if tensor["dtype"] is not np.int8:
            raise ConversionError(
                f"{tensor['name']!r} is {np.dtype(tensor['dtype']).name} after conversion; "
                "the whole network must compute in int8"
            )


def _shape(graph: Graph, index: int) -> tuple[int, ...]:
    return tuple(int(length) for length in graph.tensors[index]["shape"])


def _weights(operator: dict[str, Any]) -> list[int]:
    """Weight and bias tensors of the operators that have any."""
    if operator["op_name"] not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return []
    return [int(index) for index in operator["inputs"][1:] if index >= 0]


def _macs(graph: Graph, operator: dict[str, Any]) -> int:
    if not _weights(operator):
        return 0
    weights = _shape(graph, int(operator["inputs"][1]))
    output = _shape(graph, int(operator["outputs"][0]))
    if operator["op_name"] == "DEPTHWISE_CONV_2D":
        return prod(output) * weights[1] * weights[2]
    return prod(output) * prod(weights[1:])
