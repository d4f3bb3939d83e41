#!/usr/bin/env bash
# package.sh [--wheelhouse DIR] WHEEL OUTPUT_DIR: lay Moodwire out as a Debian package.
#
# The one description of what is installed where; install.sh and `make deb` both use it. With a
# wheelhouse (every dependency as a wheel) the package installs without any network.
set -euo pipefail
umask 022 # whoever makes it: on the device everybody may look into the folders

wheelhouse=
if [ "${1:-}" = --wheelhouse ]; then
    wheelhouse=$2
    shift 2
fi
wheel=$1 output=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
version=$(basename "$wheel" | cut -d- -f2)
architecture=all compression=xz
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"

put() { # MODE TARGET_DIR FILE...
    install -D -m "$1" -t "$root/$2" "${@:3}"
}

put 0644 usr/lib/moodwire/wheels "$wheel"
put 0755 usr/lib/moodwire "$here/debian/activate"
put 0644 usr/lib/moodwire "$here/constraints.txt"
if [ -n "$wheelhouse" ]; then
    find "$wheelhouse" -name '*.whl' ! -name 'moodwire-*' \
        -exec install -m 0644 -t "$root/usr/lib/moodwire/wheels" {} +
    architecture=$(cat "$wheelhouse/architecture")
    compression=none # wheels are compressed already
fi

units=usr/lib/systemd/system
put 0644 $units "$source"/systemd/moodwire.service "$source"/systemd/moodwire@.service
put 0644 "$units/moodwire.service.d" "$source"/systemd/moodwire.service.d/*.conf
put 0644 "$units/moodwire@.service.d" "$source"/systemd/moodwire@.service.d/*.conf
put 0644 usr/lib/udev/rules.d "$here"/udev/*.rules
share=usr/share/moodwire
for directory in profiles alsa boot mosquitto homeassistant consumer; do
    (cd "$here" && find "$directory" -type f -exec install -D -m 0644 {} "$root/$share/{}" \;)
done
chmod 0755 "$root/$share/mosquitto/certificates.sh" "$root/$share/consumer/in_car.py"
put 0644 usr/share/doc/moodwire "$source/README.md" "$source/CHANGELOG.md"
put 0644 usr/share/doc/moodwire "$source/LICENSE"
mkdir -p "$root/usr/bin"
ln -s ../../opt/moodwire/current/bin/moodwire "$root/usr/bin/moodwire"

put 0755 DEBIAN "$here"/debian/{postinst,prerm,postrm}
cat >"$root/DEBIAN/control" <<CONTROL
Package: moodwire
Version: $version
Architecture: $architecture
Maintainer: Moodwire <moodwire@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: python3 (>= 3.11), python3 (<< 3.14), python3-venv, libportaudio2, passwd,
 procps, util-linux
Recommends: alsa-utils
Suggests: mosquitto
Section: sound
Priority: optional
Description: hears how people in a room or a car sound and says so over MQTT
 Listens to a microphone, recognises moods in speech on the device itself and
 publishes them as events. No sound is stored or leaves the device.
CONTROL

mkdir -p "$output"
dpkg-deb --root-owner-group -Z$compression --build "$root" "$output/moodwire_${version}_$architecture.deb"
(cd "$output" && sha256sum moodwire_*.deb >SHA256SUMS)
