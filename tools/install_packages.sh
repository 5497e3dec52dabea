#!/bin/sh
# Installs the Debian packages of apt_packages.txt that are missing; says nothing and asks for no
# rights if there are none.
set -eu
cd "$(dirname "$0")"

missing=""
for package in $(grep -v '^#' apt_packages.txt); do
  dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing="$missing $package"
done
# A Python from elsewhere brings its own venv; Debian's needs a package for it.
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "this machine has no apt-get; install by hand the equivalents of:$missing" >&2
  exit 1
fi
root=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "root or sudo is needed to install:$missing" >&2; exit 1; }
  root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -q
# shellcheck disable=SC2086 # a list of words
if ! $root apt-get install -q -y --no-install-recommends $missing; then
  echo "LLVM 22 is in Debian 12's security suite: is bookworm-security among apt's sources?" >&2
  exit 1
fi
