"""Installing switches only to what was proven; a kill at any moment leaves a model that runs."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path

import pytest
import tones
from click.testing import CliRunner
from lying_bundles import change_manifest, copy_bundle, replace_file
from rotten import ROTTEN

from moodwire import durable
from moodwire.cli import main
from moodwire.config import Config, Model, Paths
from moodwire.model import BundleError, load_bundle, shipped_bundle
from moodwire.model.store import ModelStore, bundle_to_run

NOBODY = 65_534


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "state")


@pytest.fixture
def other(tmp_path):
    """Another sound bundle: the tones, by another version."""
    bundle = copy_bundle(tmp_path / "other")
    change_manifest(bundle, lambda manifest: manifest.update(version="2"))
    return bundle


def test_without_an_installation_the_shipped_bundle_runs(store, tmp_path):
    assert store.current == shipped_bundle()
    config = Config(paths=Paths(state=str(tmp_path)))
    assert bundle_to_run(config) == shipped_bundle()
    elsewhere = Config(model=Model(path="/elsewhere"), paths=config.paths)
    assert bundle_to_run(elsewhere) == Path("/elsewhere")
    with pytest.raises(BundleError, match="nothing to go back to"):
        store.rollback()


def test_install_and_rollback_change_places(store, other):
    first = store.install(tones.BUNDLE)
    assert load_bundle(store.current).hash == first.hash
    second = store.install(other)
    assert load_bundle(store.current).hash == second.hash
    assert store.rollback().hash == first.hash
    assert store.rollback().hash == second.hash
    # the same once more leaves the way back open
    store.install(other)
    assert store.rollback().hash == first.hash


def test_only_two_bundles_are_kept(store, other, tmp_path):
    store.install(tones.BUNDLE)
    store.install(other)
    third = copy_bundle(tmp_path / "third")
    change_manifest(third, lambda manifest: manifest.update(version="3"))
    store.install(third)
    kept = {entry.name for entry in (tmp_path / "state/models").iterdir() if entry.is_dir()}
    assert kept == {store.current.name, store.previous.name}


def test_a_refused_bundle_changes_nothing(store, other, tmp_path):
    store.install(tones.BUNDLE)
    before = store.current
    replace_file(other, "model.tflite", b"\0" * 5000)
    with pytest.raises(BundleError):
        store.install(other)
    assert store.current == before
    left = {entry.name for entry in (tmp_path / "state/models").iterdir()}
    assert left == {before.name, "active.json", ".lock"}


def test_an_installation_runs_nothing_of_the_current_folder(store, among_traps):
    store.install(tones.BUNDLE)
    assert not among_traps.exists()


def test_a_damaged_installation_is_mended_by_installing_again(store):
    store.install(tones.BUNDLE)
    (store.current / "model.tflite").write_bytes(b"rot")
    with pytest.raises(BundleError, match="truncated"):
        load_bundle(store.current)
    store.install(tones.BUNDLE)
    assert load_bundle(store.current).labels == tuple(tones.HERTZ)


def nobody_reads(folder, told):
    """In a process that is somebody else, and below `folder` alone."""
    os.chdir(folder)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    try:
        told.put(load_bundle(bundle_to_run(Config(paths=Paths(state="state")))).hash)
    except BundleError as error:
        told.put(str(error))


@pytest.fixture
def seen_by_another(tmp_path):
    """What another user gets of the bundle to run: its hash, or why not."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    (tmp_path / "state").mkdir()
    for folder in (tmp_path, tmp_path / "state"):
        folder.chmod(0o755)
    fork = multiprocessing.get_context("fork")

    def look():
        told = fork.SimpleQueue()
        process = fork.Process(target=nobody_reads, args=(tmp_path, told))
        process.start()
        process.join()
        return told.get() if process.exitcode == 0 else None

    return look


def test_whoever_installs_the_service_can_read_it(store, seen_by_another):
    before = os.umask(0o077)
    try:
        installed = store.install(tones.BUNDLE)
    finally:
        os.umask(before)
    assert seen_by_another() == installed.hash


def test_an_installation_that_cannot_be_read_is_an_error_of_the_bundle(
    store, tmp_path, seen_by_another
):
    store.install(tones.BUNDLE)
    (tmp_path / "state/models").chmod(0o700)
    assert "active.json cannot be read: Permission denied" in seen_by_another()


@pytest.mark.parametrize(
    "content", [b'{"current": "../../etc"}', b'{"current": 1}', *ROTTEN.values()]
)
def test_a_choice_that_leads_elsewhere_is_refused_until_a_bundle_is_installed(
    store, tmp_path, content
):
    store.install(tones.BUNDLE)
    (tmp_path / "state/models/active.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"active\.json"):
        _ = store.current
    installed = store.install(tones.BUNDLE)
    assert load_bundle(store.current).hash == installed.hash
    assert store.previous == shipped_bundle()


CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "tempfile.mkdtemp")


def install_and_die(state, bundle, moment, counted):
    """Killed as if from outside at the given one of its changes, or in the midst of a file."""

    def count():
        counted.value += 1
        if counted.value == moment:
            os._exit(9)

    def watch(event, arguments):
        if event in CHANGES and "state" in str(arguments[0]):
            count()

    def write_in_halves(path, content, mode):
        with path.open("wb", buffering=0) as file:
            os.fchmod(file.fileno(), mode)
            file.write(content[: len(content) // 2])
            count()
            file.write(content[len(content) // 2 :])

    sys.addaudithook(watch)
    durable.write = write_in_halves
    ModelStore(state).install(bundle)
    os._exit(0)


def test_a_kill_at_any_moment_leaves_the_old_model_or_the_new_one(tmp_path, other, monkeypatch):
    # what is proven in a process of its own cannot be half done; here it would only take time
    monkeypatch.setattr("moodwire.model.store.verify", load_bundle)
    fork = multiprocessing.get_context("fork")
    old, new = load_bundle(tones.BUNDLE).hash, load_bundle(other).hash
    seen = []
    for moment in range(1, 200):
        state = tmp_path / f"state{moment}"
        ModelStore(state).install(tones.BUNDLE)
        counted = fork.Value("i", 0)
        child = fork.Process(target=install_and_die, args=(state, other, moment, counted))
        child.start()
        child.join()
        seen.append(load_bundle(ModelStore(state).current).hash)
        assert seen[-1] in (old, new)
        # and it does not stand in the way of the next installation
        assert ModelStore(state).install(other).hash == new
        assert not list((state / "models").glob(".incoming*"))
        if child.exitcode == 0:
            break
    assert child.exitcode == 0
    assert seen[0] == old
    assert seen[-1] == new
    assert len(seen) > 10


def run(*arguments, state):
    return CliRunner().invoke(main, ["model", *arguments], env={"STATE_DIRECTORY": str(state)})


def test_commands_show_install_verify_and_roll_back(tmp_path):
    state = tmp_path / "state"
    shown = json.loads(run("show", "--json", state=state).stdout)
    assert shown["tflite_bytes"] <= 300_000
    assert {"macs", "labels", "frontend_hash", "metrics", "corpora"} <= set(shown)
    assert "tones 1" in run("install", str(tones.BUNDLE), state=state).stdout
    assert "tones 1" in run("show", state=state).stdout
    assert "sound" in run("verify", state=state).stdout
    assert "moodwire-open" in run("install", "open", state=state).stdout
    assert run("rollback", state=state).exit_code == 0
    assert "tones 1" in run("show", state=state).stdout
    assert run("install", "default", state=state).exit_code == 0
    assert run("rollback", state=state).exit_code == 0
    assert run("rollback", state=state).exit_code == 0
    assert json.loads(run("show", "--json", state=state).stdout)["hash"] == shown["hash"]


def test_commands_say_why_not_and_end_with_4(tmp_path):
    bundle = copy_bundle(tmp_path / "bundle")
    change_manifest(bundle, lambda manifest: manifest["frontend"].update(hop_length=128))
    for arguments in (("install", str(bundle)), ("verify", str(bundle)), ("show", str(bundle))):
        result = run(*arguments, state=tmp_path / "state")
        assert result.exit_code == 4
        assert "trained on other features" in result.stderr
    assert not (tmp_path / "state/models/active.json").exists()


def test_commands_name_what_cannot_be_read(tmp_path):
    choice = tmp_path / "state/models/active.json"
    choice.parent.mkdir(parents=True)
    choice.touch()
    for arguments in (("verify",), ("show",), ("rollback",)):
        result = run(*arguments, state=tmp_path / "state")
        assert result.exit_code == 4, result.exception
        assert f"{choice}: " in result.stderr
    unreadable = tmp_path / ("long" * 100)
    for command in ("verify", "show", "install"):
        result = run(command, str(unreadable), state=tmp_path / "state")
        assert result.exit_code == 4, result.exception
        assert "File name too long" in result.stderr
