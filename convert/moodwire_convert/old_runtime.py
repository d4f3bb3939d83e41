"""tflite-runtime 2.14, the last for 32-bit ARM, in an environment of its own: it needs numpy 1."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from moodwire.model import Bundle, load_bundle
from moodwire_convert.export import ConversionError

REQUIREMENTS = ("tflite-runtime==2.14.0", "numpy<2")

PROGRAM = """
import json, sys
import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType
model, golden, windows = sys.argv[1], sys.argv[2], int(sys.argv[3])
bytes_ = np.fromfile(golden, dtype=np.int8)
answers = {}
for name in ("BUILTIN_REF", "AUTO"):
    kernels = getattr(OpResolverType, name)
    interpreter = Interpreter(model, num_threads=1, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    entry, = interpreter.get_input_details()
    result, = interpreter.get_output_details()
    cells = int(np.prod(entry["shape"]))
    inputs = bytes_[: windows * cells].reshape(windows, *entry["shape"])
    answers[name] = []
    for window in inputs:
        interpreter.set_tensor(entry["index"], window)
        interpreter.invoke()
        answers[name].append(interpreter.get_tensor(result["index"])[0].tolist())
print(json.dumps(answers))
"""


def check_old_runtime(environment: Path, bundle: Path) -> str:
    """One line of good news; raises when the old runtime computes something else."""
    checked = load_bundle(bundle)
    answers = old_answers(environment, checked)
    expected = checked.golden_outputs.tolist()
    if answers["BUILTIN_REF"] != expected:
        raise ConversionError(
            "tflite-runtime 2.14 computes other golden outputs with its reference kernels: "
            "32-bit devices would refuse this bundle"
        )
    farthest = max(
        abs(found - wanted)
        for row, golden in zip(answers["AUTO"], expected, strict=True)
        for found, wanted in zip(row, golden, strict=True)
    )
    return (
        f"  tflite-runtime 2.14: {len(expected)} golden windows equal bit for bit with reference "
        f"kernels, at most {farthest} apart with default ones"
    )


def old_answers(environment: Path, bundle: Bundle) -> dict[str, list[list[int]]]:
    """Golden outputs by the old runtime's reference and default kernels."""
    python = environment / "bin" / "python"
    if not python.exists():
        _run(["uv", "venv", "--quiet", "--python", "3.11", str(environment)])
        _run(["uv", "pip", "install", "--quiet", "--python", str(python), *REQUIREMENTS])
    directory = bundle.path
    arguments = [directory / "model.tflite", directory / "golden.bin", len(bundle.golden_inputs)]
    answers: dict[str, list[list[int]]] = json.loads(
        _run([str(python), "-c", PROGRAM, *map(str, arguments)])
    )
    return answers


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise ConversionError(f"{command[0]} is not installed; it is needed here") from None
    if done.returncode:
        raise ConversionError(f"{command[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
