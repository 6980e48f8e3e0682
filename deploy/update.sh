#!/bin/sh
# Replaces the workers, collectors and APIs of a running compose project by what the images and .env say now, while calls go on: new
# containers start beside the old ones, which are stopped once the new ones are healthy. Xray, Redis and MongoDB are left alone.
#
#   docker compose build && sh deploy/update.sh         to this version
#   VEIL_VERSION=1.3.0 sh deploy/update.sh back         to one before, whose images are still here: the API first
set -eu
cd "$(dirname "$0")/.."

# Two containers can't share one port of the host.
has_ports_for_two() {
  published=$(docker compose config | awk -v of="  $1:" '/^  [^ ]/ { in_it = $0 == of } in_it && $1 == "published:" { print $2 }' | tr -d '"')
  case $published in "" | 0 | *-*) ;; *) return 1 ;; esac
}

replace() {
  if ! has_ports_for_two "$1"; then
    echo "$1 has one port of this host, so it is away for a moment; see API_REPLICAS in docs/deployment.md"
    docker compose up -d --wait --no-deps "$1"
    return
  fi
  old=$(docker compose ps --quiet "$1")
  count=$(printf '%s\n' "$old" | grep -c .) || { echo "$1 does not run: docker compose up -d --wait starts it" >&2; exit 1; }
  docker compose up -d --wait --no-deps --no-recreate --scale "$1=$((2 * count))" "$1"
  # Unquoted: one word for each container.
  docker stop $old >/dev/null
  docker rm $old >/dev/null
}

case ${1:-} in
  "") order="xray-worker stats-collector api" ;;
  back) order="api stats-collector xray-worker" ;;
  *) echo "usage: sh deploy/update.sh [back]" >&2; exit 64 ;;
esac
# Makes the secrets that are new in a version. A version before needs none of them.
if [ $# -eq 0 ]; then
  docker compose run --rm --no-deps setup
  docker compose run --rm --no-deps mongodb-users
fi
for service in $order; do replace "$service"; done
