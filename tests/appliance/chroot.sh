#!/usr/bin/env bash
# chroot.sh ROOT SCRATCH COMMAND...: run a command in a throw-away copy of a userland.
#
# What the command changes lands in SCRATCH, which is emptied first; ROOT stays as it is. Files to
# hand over go to SCRATCH.in, seen inside as /in. /sys stays out: the model runtime crashes under
# qemu-user with it.
set -euo pipefail

root=$1 scratch=$2
shift 2
if [ "${MOODWIRE_UNSHARED:-}" != yes ]; then
    MOODWIRE_UNSHARED=yes exec unshare --mount --pid --fork --kill-child -- \
        "$0" "$root" "$scratch" "$@"
fi

rm -rf --one-file-system "$scratch"
mkdir -p "$scratch"/{upper,work,merged} "$scratch.in"
merged=$scratch/merged
mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" "$merged"
mount -t proc proc "$merged/proc"
mount -t tmpfs tmpfs "$merged/tmp"
mkdir -p "$merged/in"
mount --bind "$scratch.in" "$merged/in"
cp /etc/resolv.conf "$merged/etc/resolv.conf"
# The host may reach package archives through an authority of its own.
cp /etc/ssl/certs/ca-certificates.crt "$merged/etc/ssl/certs/ca-certificates.crt"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 QEMU_CPU=cortex-a76 \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_ROOT_USER_ACTION=ignore \
    DEBIAN_FRONTEND=noninteractive chroot "$merged" "$@"
