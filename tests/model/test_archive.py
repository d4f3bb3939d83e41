"""Nothing gets out of an archive but a bundle's three files, whatever the archive tries."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest
import tones

from moodwire.model import BundleError
from moodwire.model.archive import MOST_BYTES, bundle_files
from moodwire.model.manifest import LARGEST_FILE

SOUND = {name: (tones.BUNDLE / name).read_bytes() for name in LARGEST_FILE}


def tar(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def unpack(tmp_path):
    def read(content):
        file = tmp_path / "bundle"
        file.write_bytes(content)
        return bundle_files(file)

    return read


@pytest.mark.parametrize("folder", ["", "./", "moodwire/"])
@pytest.mark.parametrize("pack", [tar, lambda m: tar(m, "w:gz"), zipped])
def test_what_people_pack_is_read(unpack, pack, folder):
    assert unpack(pack([(folder + name, content) for name, content in SOUND.items()])) == SOUND


def test_what_tar_and_zip_make_of_a_folder_is_read(unpack, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(tones.BUNDLE, "tones")
    assert unpack(buffer.getvalue()) == SOUND


@pytest.mark.parametrize(
    "path",
    [
        "../model.tflite",
        "a/../../model.tflite",
        "/etc/model.tflite",
        "a/b/model.tflite",
        "..\\model.tflite",
        "evil.py",
        "model.tflite/evil",
        "../",
    ],
)
@pytest.mark.parametrize("pack", [tar, zipped])
def test_paths_that_lead_elsewhere_are_refused(unpack, pack, path):
    with pytest.raises(BundleError, match=r"holds only|cannot be unpacked"):
        unpack(pack([*SOUND.items(), (path, b"evil")]))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(unpack, kind):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("model.tflite")
        info.type, info.linkname = kind, "/etc/shadow"
        archive.addfile(info)
    with pytest.raises(BundleError, match="link or a device"):
        unpack(buffer.getvalue())


def test_bombs_are_refused(unpack):
    zeros = b"\0" * (64 << 20)
    with pytest.raises(BundleError, match="unpacks to more than"):
        unpack(gzip.compress(zeros))
    with pytest.raises(BundleError, match=r"model\.tflite is larger than"):
        unpack(zipped([("model.tflite", zeros)]))
    with pytest.raises(BundleError, match="more than 16 entries"):
        unpack(zipped([(f"{'x' * count}/", b"") for count in range(1, 18)]))


def test_a_zip_that_lies_about_sizes_is_refused(unpack):
    honest = zipped([("model.tflite", b"\0" * (64 << 20))])
    size = (64 << 20).to_bytes(4, "little")
    assert honest.count(size) == 2
    with pytest.raises(BundleError, match=r"cannot be unpacked|larger than"):
        unpack(honest.replace(size, (100).to_bytes(4, "little")))


def test_a_huge_file_is_not_even_read(tmp_path):
    file = tmp_path / "bundle.tar"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(BundleError, match=f"larger than {MOST_BYTES}"):
        bundle_files(file)


@pytest.mark.parametrize("pack", [tar, lambda m: tar(m, "w:gz"), zipped])
def test_a_truncated_or_damaged_archive_is_refused(unpack, pack):
    content = pack(SOUND.items())
    for length in (10, len(content) // 2):
        with pytest.raises(BundleError):
            unpack(content[:length])


@pytest.mark.parametrize("pack", [lambda m: tar(m, "w:gz"), zipped])
def test_a_flipped_bit_of_a_packed_archive_is_noticed(unpack, pack):
    content = pack(SOUND.items())
    for place in range(200, len(content) - 200, len(content) // 50):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        try:
            found = unpack(bytes(damaged))
        except BundleError:
            continue
        assert found == SOUND  # a byte that means nothing, such as a time


def test_doubled_and_missing_files_are_refused(unpack):
    with pytest.raises(BundleError, match=r"manifest\.json twice"):
        unpack(tar([*SOUND.items(), ("x/manifest.json", SOUND["manifest.json"])]))
    with pytest.raises(BundleError, match=r"golden\.bin is missing"):
        unpack(tar([item for item in SOUND.items() if item[0] != "golden.bin"]))
    with pytest.raises(BundleError, match="no such file"):
        bundle_files(tones.BUNDLE / "nowhere")
