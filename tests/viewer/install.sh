#!/usr/bin/env bash
# Install Chromium from Debian's packages if it is missing, for the tests of the page of `view`.
set -euo pipefail

command -v chromium > /dev/null || command -v chromium-browser > /dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "not installed: chromium; the tests that need it are skipped" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
install() { timeout 300 apt-get install -qq -y --no-install-recommends chromium > /dev/null; }
if ! install 2> /dev/null; then
  if ! { timeout 120 apt-get update -qq && install; }; then
    echo "cannot be installed: chromium; the tests that need it are skipped" >&2
  fi
fi
