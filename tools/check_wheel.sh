#!/bin/sh
# Installs dist/*.whl into a clean virtual environment and takes a gradient with every file of LLVM and clang out of
# reach, in a mount namespace of its own. The library may need nothing but what each Linux with Python has.
set -eu
cd "$(dirname "$0")/.."
wheel=$(ls dist/pyfront-*.whl)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

tools/step.sh "Clean environment for $(basename "$wheel")" python3 -m venv "$place/venv"
tools/step.sh "Installing the wheel" "$place/venv/bin/pip" install --disable-pip-version-check -q "$wheel"

library=$(find "$place/venv" -name libenzyme_pass.so)
others=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
  grep -vE '^((libc|libm|libdl|libpthread|librt|ld-linux-x86-64)\.so\.[0-9]+|libpyfront_runtime\.so)$' || true)
if [ -n "$others" ]; then
  echo "the engine needs more than the C library:" $others >&2
  exit 1
fi

# As root there is a namespace for the asking; else one of the user's own, where the kernel allows it.
namespace="unshare --mount"
[ "$(id -u)" = 0 ] || namespace="unshare --map-root-user --mount"
mkdir "$place/empty"
cp tools/wheel_gradient.py "$place/"
$namespace sh -eu -c '
  for hidden in /usr/lib/llvm-* /usr/lib/clang; do
    [ ! -d "$hidden" ] || mount --bind "$1/empty" "$hidden"
  done
  for hidden in /usr/lib/*/libLLVM*.so* /usr/lib/*/libclang*.so*; do
    [ ! -f "$hidden" ] || [ -L "$hidden" ] || mount --bind /dev/null "$hidden"
  done
  if opt-22 --version >/dev/null 2>&1; then
    echo "LLVM is still within reach" >&2
    exit 1
  fi
  cd "$1"
  env -u PYTHONPATH -u PYFRONT_ENGINE venv/bin/python wheel_gradient.py
' sh "$place"
echo "  $(du -h "$wheel" | cut -f1) $(basename "$wheel"): works without LLVM"
