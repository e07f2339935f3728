#!/usr/bin/env bash
# Install the database servers that are missing, from Debian's packages, without starting them.
set -euo pipefail

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null \
  || missing+=(postgresql)
command -v mariadbd > /dev/null || missing+=(mariadb-server)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  echo "not installed: ${missing[*]}; the tests that need them are skipped" >&2
  exit 0
fi
# A package starts its server unless this file forbids it; ours run with data of their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null; }
if ! install 2> /dev/null; then
  if ! { apt-get update -qq && install; }; then
    echo "cannot be installed: ${missing[*]}; the tests that need them are skipped" >&2
  fi
fi
