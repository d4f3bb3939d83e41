#!/usr/bin/env bash
# Install, update or remove Moodwire on Raspberry Pi OS (or Debian) bookworm and trixie, 64 bit.
#
#   sudo firmware_config/install.sh                       from this source tree, with the network
#   sudo firmware_config/install.sh PACKAGE.deb           a package that was made elsewhere
#   sudo firmware_config/install.sh --wheelhouse DIR      no network but apt: wheels lie in DIR
#   sudo firmware_config/install.sh --profile car         another starting configuration
#   sudo firmware_config/install.sh --uninstall [--purge] purge removes configuration and model too
#
# Safe to run again: it updates, keeps configuration and model, and goes back if the update fails.
set -euo pipefail

say() { echo "install.sh: $*"; }
die() {
    echo "install.sh: $*" >&2
    exit 1
}

package='' wheelhouse='' uninstall=no purge=no
while [ $# -gt 0 ]; do
    case $1 in
    --wheelhouse) wheelhouse=${2:?--wheelhouse needs a directory} && shift ;;
    --profile) export MOODWIRE_PROFILE=${2:?--profile needs home or car} && shift ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *.deb) package=$(realpath "$1") ;;
    *) die "unknown argument $1; see install.sh --help" ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || die "needs root: sudo $0"

if [ "$uninstall" = yes ]; then
    [ "$purge" = yes ] && exec apt-get purge -y moodwire
    exec apt-get remove -y moodwire
fi

case ${MOODWIRE_PROFILE:-home} in
home | car) ;;
*) die "profile $MOODWIRE_PROFILE is not known; allowed: home, car" ;;
esac

case $(dpkg --print-architecture) in
arm64 | amd64) ;;
armhf | armel)
    die "this system is 32 bit, for which neither numpy nor the model runtime is built as a" \
        "wheel. Pi 3, Zero 2 W, 4 and 5 all run the 64 bit image: choose 'Raspberry Pi OS" \
        "Lite (64-bit)' in the imager"
    ;;
*) die "no packages are built for $(dpkg --print-architecture); allowed: arm64, amd64" ;;
esac

. /etc/os-release
case ${VERSION_CODENAME:-} in
bookworm | trixie) ;;
*) die "${PRETTY_NAME:-this system} is not supported; allowed: bookworm (12) and trixie (13)" ;;
esac

if [ -n "$package" ] && [ -e "$(dirname "$package")/SHA256SUMS" ]; then
    (cd "$(dirname "$package")" && grep "  $(basename "$package")\$" SHA256SUMS |
        sha256sum --check --quiet) || die "$package is not what SHA256SUMS beside it says:" \
        "copy both again"
fi

# A fresh image knows no packages yet, or those of the day on which it was made.
apt-get update -qq || say "the lists of packages are as they were"

if [ -z "$package" ]; then
    here=$(cd "$(dirname "$0")" && pwd)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if [ -n "$wheelhouse" ]; then
        wheel=$(find "$wheelhouse" -name 'moodwire-*.whl' -print -quit)
        [ -n "$wheel" ] || die "$wheelhouse holds no moodwire wheel; make it with: make wheelhouse"
    else
        say "building the wheel"
        apt-get install -y --no-install-recommends python3-venv
        python3 -m venv "$work/build"
        "$work/build/bin/pip" wheel --quiet --no-deps -w "$work" "$(dirname "$here")"
        wheel=$(echo "$work"/moodwire-*.whl)
    fi
    "$here/package.sh" ${wheelhouse:+--wheelhouse "$wheelhouse"} "$wheel" "$work"
    package=$(echo "$work"/moodwire_*.deb)
    # apt reads the file as its own user.
    chmod 0755 "$work" && chmod 0644 "$package"
fi

DEBIAN_FRONTEND=noninteractive apt-get install -y --reinstall --allow-downgrades \
    --no-install-recommends "$package"
say "done; 'sudo moodwire doctor' tells what is still missing"
