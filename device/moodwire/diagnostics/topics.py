"""May this device log in, write every topic that it uses, and does Home Assistant take it."""

from __future__ import annotations

from moodwire.diagnostics.assistant import NAME, asked, look_at_discovery
from moodwire.diagnostics.finding import Finding, Findings, broken, fine, skipped
from moodwire.diagnostics.probe import Answer, Probe
from moodwire.diagnostics.subject import Subject
from moodwire.publish.broker import Broker
from moodwire.publish.hardware import hardware
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.topics import Topics


def look_at_topics(about: Subject, broker: Broker) -> Findings:
    mqtt, device = about.config.mqtt, about.config.device.id
    probe = Probe(broker, device)
    if trouble := probe.log_in():
        yield broken(
            "login",
            trouble,
            "see mqtt.username and mqtt.password_file; on the broker: "
            f"mosquitto_passwd -b FILE {broker.username or 'USER'} PASSWORD, then reload it",
        )
        return
    who = f"user {broker.username}" if broker.username else "anonymous"
    yield fine("login", who)
    topics = Topics(mqtt.prefix, device)
    labels = about.bundle.labels if about.bundle else ()
    discovery = Discovery(about.config, topics, labels, hardware(about.root))
    used = _used(topics)
    wanted = [*used, *asked(discovery, topics)] if discovery.enabled else used
    try:
        probe.read_retained(f"{topics.root}/#", discovery.topic)
        # Home Assistant complains of an empty health message, while it ignores the others
        if topics.health not in probe.retained:
            wanted = [topic for topic in wanted if topic != topics.health]
        answers = probe.try_topics(*wanted)  # all at once, because what was read grows old
    finally:
        probe.log_out()
    yield _rights({topic: answers[topic] for topic in used if topic in answers}, topics, who)
    if not discovery.enabled:
        return
    if about.bundle is None:
        yield skipped(NAME, "shows what the model can tell, and the model cannot be used")
        return
    announced = probe.retained.get(discovery.topic)
    yield look_at_discovery(discovery, topics, announced, answers, who)


def _used(topics: Topics) -> list[str]:
    return [
        topics.availability, topics.source, topics.state, topics.mood, topics.confidence,
        topics.speech, topics.level, topics.event, topics.alert, topics.health, topics.result,
        topics.control("mute"),
    ]  # fmt: skip


def _rights(answers: dict[str, Answer], topics: Topics, who: str) -> Finding:
    refused = [(topic, answer.refusal) for topic, answer in answers.items() if answer.refusal]
    if not refused:
        return fine("topics", f"may write all {len(answers)} below {topics.root}")
    topic, why = refused[0]
    return broken(
        "topics",
        f"{len(refused)} of {len(answers)} refused, first {topic}: {why}",
        f"allow {who} on the broker: topic readwrite {topics.root}/# (in its acl_file)",
    )
