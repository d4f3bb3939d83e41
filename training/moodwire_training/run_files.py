"""What the folder of a run holds: training writes it, evaluation and conversion read it."""

RUN = "run.json"
"""What makes the run this one."""

CHECKPOINT = "checkpoint.npz"
MODEL = "model.keras"
RECORD = "model.json"
"""What a bundle is to be told of the network."""

CALIBRATION = "calibration.npz"
UNSEEN = "test_unseen.npz"
LOGITS = "test_logits.npz"
RESULT = "result.json"
METRICS = "metrics.json"
INT8 = "int8"
"""The folder of what a bundle made from the run said: LOGITS and RESULT again."""
