"""The gate's network for training: the device's layers over whole scenes, in PyTorch.

Keras needed six times as long for this many small layers on one core; what is trained here is
some thousand numbers that the device multiplies in NumPy, so nothing else depends on the choice.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from moodwire.speech.cues import CUES
from moodwire.speech.network import PAIR_PATCHES, PATCH_BANDS, PATCH_STEP, REACH, Weights


class GateNetwork(nn.Module):
    """[scenes, groups, bands, CUES] and who is awake, to one logit a group."""

    def __init__(
        self, bands: int, patch: int, pair: int, look: int, judge: int, context: int
    ) -> None:
        super().__init__()
        pairs = (bands - PATCH_BANDS) // PATCH_STEP + 1 - PAIR_PATCHES + 1
        self.context = context
        self.patch = nn.Linear(2 * PATCH_BANDS * CUES, patch)
        self.pair = nn.Linear(2 * PAIR_PATCHES * patch, pair)
        self.look = nn.Linear(pairs * pair, look)
        self.judge = nn.Conv1d(look, judge, context)
        self.decide = nn.Linear(judge, 1)

    def forward(self, cues: torch.Tensor, awake: torch.Tensor) -> torch.Tensor:
        spectrum = functional.pad(cues.flatten(2), (0, 0, REACH, 0))
        width = self.patch.out_features
        found = functional.relu(self.patch(_tiles(spectrum, PATCH_STEP * CUES, PATCH_BANDS * CUES)))
        joined = functional.relu(self.pair(_tiles(found.flatten(2), width, PAIR_PATCHES * width)))
        joined = functional.dropout(joined.flatten(2), 0.1, self.training)
        seen = functional.relu(self.look(joined)) * awake[..., None]
        past = functional.pad(seen.transpose(1, 2), (self.context - 1, 0))
        judged = functional.relu(self.judge(past)).transpose(1, 2)
        logits: torch.Tensor = self.decide(functional.dropout(judged, 0.2, self.training))
        return logits[..., 0]

    def weights(self) -> Weights:
        """Matrices in the device's order: what a layer sees at once in the rows."""
        found = {}
        for layer in ("patch", "pair", "look", "decide"):
            linear = getattr(self, layer)
            found[layer] = linear.weight.detach().numpy().T
            found[f"{layer}_bias"] = linear.bias.detach().numpy()
        kernel = self.judge.weight.detach().numpy().transpose(2, 1, 0)
        found["judge"] = kernel.reshape(-1, kernel.shape[2])
        found["judge_bias"] = self.judge.bias.detach().numpy()
        return Weights(**found)


def _tiles(rows: torch.Tensor, step: int, length: int) -> torch.Tensor:
    """Overlapping pieces of each row, after those of the row before it."""
    tiles = rows.unfold(2, length, step)
    return torch.cat([tiles[:, :-1], tiles[:, 1:]], dim=-1)
