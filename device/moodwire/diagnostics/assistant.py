"""Is this device announced to Home Assistant as it is configured, and has that been accepted.

Home Assistant answers no announcement, but it subscribes to the topics of what it accepts; and of
each message a broker may say that nobody subscribes to its topic. A topic that nobody uses tells
whether this broker does, and whether some other program reads everything.
"""

from __future__ import annotations

from moodwire.diagnostics.finding import Finding, broken, fine, skipped, warning
from moodwire.diagnostics.probe import Answer
from moodwire.publish.homeassistant import Discovery
from moodwire.publish.topics import Topics

NAME = "Home Assistant"


def asked(discovery: Discovery, topics: Topics) -> list[str]:
    """Topics whose answers the examination needs."""
    return [discovery.topic, *discovery.state_topics, _unused(topics)]


def look_at_discovery(
    discovery: Discovery,
    topics: Topics,
    announced: bytes | None,
    answers: dict[str, Answer],
    who: str,
) -> Finding:
    topic = discovery.topic
    prefix = topic.partition("/device/")[0]
    if refusal := answers[topic].refusal:
        return broken(
            NAME,
            f"{topic}: {refusal}",
            f"allow {who} on the broker: topic readwrite {topic}; "
            f"topic read {discovery.birth_topic}",
        )
    if not announced:
        return warning(
            NAME,
            f"not announced yet in {topic}",
            "the service announces it when it connects: sudo systemctl start moodwire",
        )
    if not discovery.would_be(announced):
        return warning(
            NAME,
            f"announced in {topic}, but not as the configuration says now",
            "sudo systemctl restart moodwire; all is well if its profile was set from afar",
        )
    if not answers[_unused(topics)].unread:
        return skipped(
            NAME,
            "announced; if it was accepted cannot be told: the broker does not say who reads, "
            f"or another program reads all of {topics.root}",
        )
    if answers[topic].unread:
        return warning(
            NAME,
            "announced, but nobody takes announcements from this broker",
            f"add the MQTT integration there, with this broker and the discovery prefix {prefix}; "
            "if you have no Home Assistant: home_assistant.enabled = false",
        )
    wanted = [each for each in discovery.state_topics if each in answers]
    if unread := [each for each in wanted if answers[each].unread]:
        return warning(
            NAME,
            f"announced, but {len(unread)} of {len(wanted)} topics are not read, first {unread[0]}",
            "all is well if you disabled entities there; else its log says why it refused them "
            "(Settings, System, Logs: look for MQTT discovery)",
        )
    return fine(NAME, f"accepted what {topic} announces: reads all {len(wanted)} topics")


def _unused(topics: Topics) -> str:
    return f"{topics.root}/unused"
