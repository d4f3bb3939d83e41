"""The source state machine, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moodwire.audio.health import SILENT_REOPENINGS, Action, Heard, SourceHealth

SPEECH = Heard(zeros_only=False, clipped_share=0.0)
ZEROS = Heard(zeros_only=True, clipped_share=0.0)
SHOUT = Heard(zeros_only=False, clipped_share=0.2)
BLOCK = 0.25


@dataclass
class Driver:
    """What the daemon does, with a clock that only moves when told."""

    health: SourceHealth = field(default_factory=lambda: SourceHealth(jitter=lambda: 1.0))
    now: float = 100.0
    openings: list[float] = field(default_factory=list)
    closings: list[float] = field(default_factory=list)
    is_open: bool = False
    works: bool = True
    """Whether opening the device succeeds."""

    def __post_init__(self) -> None:
        self.do(self.health.start(self.now))

    def do(self, action: Action | None) -> None:
        if action is Action.OPEN:
            self.openings.append(self.now)
            self.is_open = True
            if not self.works:
                self.end()
        elif action is Action.CLOSE:
            self.closings.append(self.now)
            self.is_open = False

    def end(self) -> None:
        """The stream, by itself."""
        self.is_open = False
        self.health.ended(self.now)

    def hear(self, block: Heard, seconds: float = BLOCK) -> None:
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now += BLOCK
            self.do(self.health.tick(self.now))
            if self.is_open:
                self.do(self.health.heard(self.now, block))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.health.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            self.do(self.health.tick(self.now))
        self.now = end
        self.do(self.health.tick(self.now))


def test_starts_and_lives() -> None:
    driver = Driver()
    assert driver.health.state == "starting"
    driver.hear(SPEECH)
    assert driver.health.state == "live"
    assert driver.openings == [100.0]


def test_a_stream_that_goes_quiet_is_stalled_then_opened_anew() -> None:
    driver = Driver()
    driver.hear(SPEECH, 10)
    driver.wait(1.9)
    assert driver.health.state == "live"
    driver.wait(0.2)
    assert driver.health.state == "stalled"
    driver.hear(SPEECH)
    assert driver.health.state == "live", "a short hang heals without reopening"
    assert driver.closings == []
    driver.wait(10.0)
    assert len(driver.closings) == 1 and len(driver.openings) == 2
    assert driver.health.state == "lost", "opened, but nothing heard yet"
    driver.hear(SPEECH)
    assert driver.health.state == "live"


def test_an_ended_stream_is_lost_at_once() -> None:
    driver = Driver()
    driver.hear(SPEECH)
    driver.end()
    assert driver.health.state == "lost"


def test_reopening_backs_off_up_to_a_limit() -> None:
    driver = Driver(works=False)
    driver.wait(600.0)
    gaps = [round(b - a, 3) for a, b in zip(driver.openings, driver.openings[1:], strict=False)]
    assert gaps[:7] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert set(gaps[7:]) == {30.0}
    assert driver.health.state == "lost"


def test_jitter_shortens_waits_by_up_to_half() -> None:
    driver = Driver(SourceHealth(jitter=lambda: 0.0), works=False)
    driver.wait(100.0)
    gaps = [round(b - a, 3) for a, b in zip(driver.openings, driver.openings[1:], strict=False)]
    assert gaps[:4] == [0.25, 0.5, 1.0, 2.0]


def test_a_device_that_keeps_failing_after_moments_of_life_stays_backed_off() -> None:
    driver = Driver()
    waits: list[float] = []
    for _ in range(12):
        driver.hear(SPEECH, 2.0)
        driver.end()
        assert driver.health.deadline is not None
        waits.append(driver.health.deadline - driver.now)
        driver.wait(waits[-1])
    assert waits[-1] == 30.0
    driver.hear(SPEECH, 61.0)
    driver.end()
    before = driver.now
    driver.wait(1.0)
    assert driver.openings[-1] - before <= 0.5, "a minute of life earns a quick retry"


def test_zeros_from_the_beginning_are_no_fault() -> None:
    driver = Driver()
    driver.hear(ZEROS, 3600.0)
    assert driver.health.state == "starting"
    assert driver.closings == []


def test_zeros_after_real_audio_are_reported_and_reopened_a_few_times_only() -> None:
    driver = Driver()
    driver.hear(SPEECH)
    driver.hear(ZEROS, 4.0)
    assert driver.health.state == "live"
    driver.hear(ZEROS, 2.0)
    assert driver.health.state == "silent"
    driver.hear(ZEROS, 24 * 3600.0)
    assert driver.health.state == "silent"
    assert len(driver.closings) == SILENT_REOPENINGS
    driver.hear(SPEECH)
    assert driver.health.state == "live"


def test_clipping_counts_when_it_lasts_and_ends_when_it_is_over() -> None:
    driver = Driver()
    driver.hear(SPEECH, 1.0)
    driver.hear(SHOUT, 1.0)
    assert driver.health.state == "live"
    driver.hear(SHOUT, 2.0)
    assert driver.health.state == "clipped"
    driver.hear(SPEECH, 1.0)
    assert driver.health.state == "clipped"
    driver.hear(SPEECH, 2.0)
    assert driver.health.state == "live"
    assert driver.closings == []


def test_mute_closes_and_nothing_reopens_until_unmuted() -> None:
    driver = Driver()
    driver.hear(SPEECH)
    driver.do(driver.health.mute())
    assert len(driver.closings) == 1
    driver.hear(SPEECH, 3.0)
    driver.wait(3600.0)
    assert driver.health.state == "muted" and len(driver.openings) == 1
    assert driver.health.deadline is None
    driver.do(driver.health.unmute(driver.now))
    assert driver.health.state == "starting" and len(driver.openings) == 2
    driver.hear(SPEECH)
    assert driver.health.state == "live"


def test_muted_while_waiting_to_retry_stays_closed() -> None:
    driver = Driver(works=False)
    assert driver.health.mute() is None
    driver.wait(3600.0)
    assert len(driver.openings) == 1 and driver.health.state == "muted"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["speech", "zeros", "shout", "wait", "end", "mute", "unmute", "break"]),
        st.floats(min_value=0.25, max_value=90.0),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_whatever_happens_it_recovers_and_never_opens_twice(steps: list[tuple[str, float]]) -> None:
    driver = Driver()
    sounds = {"speech": SPEECH, "zeros": ZEROS, "shout": SHOUT}
    for step, seconds in steps:
        if step in sounds:
            driver.hear(sounds[step], seconds)
        elif step == "wait":
            driver.wait(seconds)
        elif step == "end":
            driver.end()
        elif step == "mute":
            driver.do(driver.health.mute())
        elif step == "unmute":
            driver.do(driver.health.unmute(driver.now))
        else:
            driver.works = not driver.works
        if driver.health.state == "muted":
            assert not driver.is_open
        else:
            assert driver.health.deadline is not None, "something must be waited for: never deaf"
    driver.works = True
    driver.do(driver.health.unmute(driver.now))
    # a stream that was open all the while without a sound is given up first
    driver.hear(SPEECH, driver.health.patience.longest_back_off + 5.0)
    assert driver.health.state == "live"


def test_faults_are_reported_within_five_seconds() -> None:
    """What the product promises."""
    driver = Driver()
    driver.hear(SPEECH, 10.0)
    driver.wait(5.0)
    assert driver.health.state == "stalled"
    driver.hear(SPEECH, 10.0)
    assert driver.health.state == "live"
    driver.hear(ZEROS, 5.0 + BLOCK)
    assert driver.health.state == "silent"


@pytest.mark.parametrize("shouts", [1, 2, 6])
def test_one_slammed_door_is_no_overdriven_microphone(shouts: int) -> None:
    """Nor are some, as long as they do not go on for two seconds."""
    driver = Driver()
    driver.hear(SPEECH, 10.0)
    driver.hear(SHOUT, shouts * BLOCK)
    for _ in range(20):
        driver.hear(SPEECH, BLOCK)
        assert driver.health.state == "live"
