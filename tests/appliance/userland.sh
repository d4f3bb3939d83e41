#!/usr/bin/env bash
# userland.sh ARCH SUITE ROOT [PACKAGE...]: a plain Debian root like the one a Pi boots.
#
# Raspberry Pi OS 64 bit is Debian's arm64 archive plus a kernel and a few packages; what matters
# to an installation (glibc, Python, dpkg, PortAudio) is the same. Foreign architectures run under
# qemu-user through binfmt_misc. All mounts stay in a private namespace. A finished root is kept.
set -euo pipefail

architecture=$1 suite=$2 root=$3
shift 3
[ "$(id -u)" = 0 ] || { echo "userland.sh: needs root (debootstrap, chroot)" >&2; exit 1; }
[ -e "$root/.complete" ] && exit 0

if [ "${MOODWIRE_UNSHARED:-}" != yes ]; then
    MOODWIRE_UNSHARED=yes exec unshare --mount -- "$0" "$architecture" "$suite" "$root" "$@"
fi

packages=$(IFS=,; echo "ca-certificates,$*")
rm -rf --one-file-system "$root"
mkdir -p "$root"
if [ "$architecture" = "$(dpkg --print-architecture)" ]; then
    debootstrap --variant=minbase --include="${packages%,}" "$suite" "$root"
else
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || {
        echo "userland.sh: no qemu-aarch64 in binfmt_misc; install qemu-user-static and" \
            "binfmt-support, mount binfmt_misc, then 'update-binfmts --enable qemu-aarch64'" >&2
        exit 1
    }
    debootstrap --foreign --arch="$architecture" --variant=minbase \
        --include="${packages%,}" "$suite" "$root"
    # Trixie's arm64 binaries want more than qemu's default processor.
    QEMU_CPU=cortex-a76 DEBIAN_FRONTEND=noninteractive \
        chroot "$root" /debootstrap/debootstrap --second-stage
fi
# A package's postinst must not start daemons in a chroot.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
# Sandboxed apt switches user, which qemu-user makes slow and some kernels refuse.
echo 'APT::Sandbox::User "root";' >"$root/etc/apt/apt.conf.d/90chroot"
touch "$root/.complete"
