"""What the daemon is made of fits together."""

from __future__ import annotations

import msgspec
import pytest
import tones

from moodwire.audio.health import Patience
from moodwire.config import Config, Decision
from moodwire.model import load_bundle
from moodwire.pipeline import Pipeline
from moodwire.service.parts import packet_samples


@pytest.mark.parametrize("hop", [0.1, 0.25, 1.0, 1.7, 2.5, 3.0])
def test_sound_comes_often_enough_and_a_hop_ends_with_a_packet(hop: float) -> None:
    config = msgspec.structs.replace(Config(), decision=Decision(hop=hop))
    pipeline = Pipeline(load_bundle(tones.BUNDLE), config)
    rate = pipeline.spec.sample_rate
    packet = packet_samples(pipeline.spec, config)
    assert packet / rate < Patience().stalled / 1.5

    sound = tones.tone("happy", 8.0)
    taken, hops = 0, 0
    while (end := taken + packet) <= len(sound):
        seen = pipeline.push(sound[taken:end], taken / rate)
        assert [each.window.time for each in seen] == pytest.approx([end / rate] * len(seen))
        taken, hops = end, hops + len(seen)
        if hops == len(seen) == 1:  # what was broken off goes on with the next packet
            pipeline.reset(taken / rate)
    assert hops >= 2
