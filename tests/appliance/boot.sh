#!/usr/bin/env bash
# boot.sh ROOT SCRATCH: boot a throw-away copy of a userland with its own systemd, to the end.
#
# SCRATCH.in is /in inside; inside.service there is started at boot and powers the machine off.
# No network but the loopback of its own; the cgroup tree is the unified one, as on a Pi.
set -euo pipefail

root=$1 scratch=$2
if [ "${MOODWIRE_UNSHARED:-}" != yes ]; then
    MOODWIRE_UNSHARED=yes exec unshare --mount -- "$0" "$root" "$scratch"
fi

rm -rf --one-file-system "$scratch"
mkdir -p "$scratch"/{upper,work,merged}
merged=$scratch/merged
mount -t overlay overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" "$merged"
rm -f "$merged/usr/sbin/policy-rc.d"
units=$merged/etc/systemd/system
cp "$scratch.in"/*.service "$units"
mkdir -p "$units/multi-user.target.wants"
for unit in "$scratch.in"/*.service; do
    ln -sf "../$(basename "$unit")" "$units/multi-user.target.wants/"
done
UNIFIED_CGROUP_HIERARCHY=1 exec systemd-nspawn --quiet --directory "$merged" --boot \
    --private-network --register=no --keep-unit --console=pipe --bind "$scratch.in:/in" \
    </dev/null >/dev/null
