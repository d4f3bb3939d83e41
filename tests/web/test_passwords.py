"""Who may look: hashes, sessions, and guessing that gets nowhere."""

from moodwire.web.passwords import (
    ATTEMPTS,
    MOST_SESSIONS,
    SESSION_SECONDS,
    Brake,
    Sessions,
    hash_password,
    verify_password,
)


def test_only_the_right_password_matches():
    stored = hash_password("kitchen table")
    assert verify_password("kitchen table", stored)
    assert not verify_password("kitchen", stored)
    assert "kitchen" not in stored
    assert stored != hash_password("kitchen table")  # salted


def test_sessions_expire_and_close():
    sessions = Sessions()
    token = sessions.open(now=0.0)
    assert sessions.find(token, SESSION_SECONDS - 1) is not None
    assert sessions.find(token, SESSION_SECONDS + 1) is None
    sessions.close(token)
    assert sessions.find(token, 1.0) is None
    assert sessions.find(None, 1.0) is None
    assert sessions.find("made up", 1.0) is None


def test_sessions_are_bounded():
    sessions = Sessions()
    first = sessions.open(0.0)
    for _ in range(MOST_SESSIONS):
        last = sessions.open(0.0)
    assert sessions.find(first, 1.0) is None
    assert sessions.find(last, 1.0) is not None


def test_guessing_is_braked_for_the_guesser_only():
    brake = Brake()
    assert all(brake.allows("10.0.0.9", now=float(i)) for i in range(ATTEMPTS))
    assert not brake.allows("10.0.0.9", now=6.0)
    assert brake.allows("10.0.0.7", now=6.0)
    assert brake.allows("10.0.0.9", now=70.0)


def test_guessing_from_many_addresses_is_braked_for_all():
    brake = Brake()
    allowed = sum(brake.allows(f"10.0.{i}.1", now=0.0) for i in range(1000))
    assert allowed == 10 * ATTEMPTS
