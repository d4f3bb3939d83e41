#!/usr/bin/env bash
# wheelhouse.sh WHEEL OUTPUT_DIR [ARCHITECTURE]: every wheel that a device without internet needs.
#
# Holds both Pythons, bookworm's 3.11 and trixie's 3.13; pip on the device takes what fits. PYTHON
# names the one whose pip looks for them, as Debian's own has none: make gives its environment's.
set -euo pipefail

wheel=$1 output=$2 architecture=${3:-arm64}
case $architecture in
arm64) machine=aarch64 ;;
amd64) machine=x86_64 ;;
*) echo "wheelhouse.sh: architecture $architecture; allowed: arm64, amd64" >&2 && exit 1 ;;
esac

mkdir -p "$output"
rm -f "$output"/*.whl
for python in 3.11 3.13; do
    "${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --only-binary :all: \
        --platform "manylinux2014_$machine" --platform "manylinux_2_27_$machine" \
        --platform "manylinux_2_28_$machine" --python-version "$python" \
        --constraint "$(dirname "$0")/constraints.txt" --dest "$output" "$wheel[web]"
done
echo "$architecture" >"$output/architecture"
du -sh "$output"
