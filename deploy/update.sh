#!/bin/sh
# Replaces the workers, collectors and APIs of a running compose project by what the images and .env say now, while calls go on: new
# containers start beside the old ones, which are stopped once the new ones are healthy. New ones that don't become healthy are removed,
# and the old ones stay. Xray, Redis and MongoDB are left alone. Of a project that was started with -f or -p, say so by COMPOSE_FILE
# and COMPOSE_PROJECT_NAME.
#
#   docker compose build && sh deploy/update.sh         to this version
#   VEIL_VERSION=1.3.0 sh deploy/update.sh back         to one before, whose images are still here: the API first
set -eu
cd "$(dirname "$0")/.."

HEALTHY_WITHIN_S=120

fail() {
  echo "$1" >&2
  exit 1
}

config=$(docker compose config)

# Those of the project itself: a `docker compose run` leaves more, and `docker compose ps --all` names them, too.
all_of() {
  docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$(printf '%s\n' "$config" | sed -n 's/^name: //p')" \
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

# What compose makes of a service's own settings.
of_config() {
  printf '%s\n' "$config" | awk -v of="  $1:" '/^  [^ ]/ { in_it = $0 == of } in_it' | sed -n "s/^ *$2: //p" | tr -d '"'
}

require_image() {
  image=$(of_config "$1" image)
  docker image inspect "$image" >/dev/null 2>&1 || fail "there is no image $image: docker compose build makes that of this version"
}

are_healthy() {
  waited=0
  for container in "$@"; do
    while state=$(docker inspect --format '{{.RestartCount}} {{.State.Health.Status}}' "$container"); [ "$state" != "0 healthy" ]; do
      # One that ends at its start does so again.
      case $state in "0 starting") ;; *) return 1 ;; esac
      waited=$((waited + 1))
      [ "$waited" -le "$HEALTHY_WITHIN_S" ] || return 1
      sleep 1
    done
  done
}

# Caddy calls each API that runs in its network, also one that has not reached MongoDB yet.
in_network_of_caddy() {
  [ "$1" = api ] || return 0
  action=$2
  shift 2
  for container in "$@"; do docker network $action "$(of_config proxy name)" "$container"; done
}

replace() {
  # Two containers can't share one port of the host.
  published=$(of_config "$1" published)
  case $published in
    "" | 0) ;;
    *)
      echo "$1 has one port of this host, so it is away for a moment: see API_REPLICAS in docs/deployment.md"
      docker compose up -d --wait --no-deps --force-recreate --no-build --pull never "$1"
      return
      ;;
  esac
  # What a run left that was broken off: compose would start those again before it makes new ones.
  docker compose rm --force "$1" >/dev/null
  old=$(docker compose ps --quiet "$1")
  [ -n "$old" ] || fail "$1 does not run: docker compose up -d --wait starts it"
  wanted=$(of_config "$1" replicas)
  # Unquoted from here on: one word for each container.
  set -- "$1" $old
  docker compose up --no-start --no-deps --no-recreate --no-build --pull never --scale "$1=$(($# - 1 + ${wanted:-1}))" "$1"
  new=$(all_of "$1" | grep -vFx "$old")
  in_network_of_caddy "$1" disconnect $new || echo "$1 stays in Caddy's network while it starts" >&2
  if ! { docker start $new >/dev/null && are_healthy $new; }; then
    docker compose logs --tail 5 "$1" >&2
    docker rm --force $new >/dev/null
    fail "$1 did not become healthy, and is as it was"
  fi
  in_network_of_caddy "$1" "connect --alias $1" $new
  docker stop $old >/dev/null
  docker rm $old >/dev/null
}

# In the container that `up` would make: by one that is older than .env the next `up` would see secrets that have changed, and take all
# services away that read them.
run_once() {
  docker compose up -d --no-deps --no-build --pull never "$1"
  [ "$(docker wait "$(all_of "$1")")" = 0 ] && return
  docker compose logs --tail 5 "$1" >&2
  fail "$1 failed, and no container was replaced"
}

# Of one that is left alone and differs from what compose would make.
tell_of_change() {
  container=$(docker compose --profile '*' ps --quiet "$1")
  [ -n "$container" ] || return 0
  made=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}}' "$container")
  wanted=$(docker compose --profile '*' config --hash "$1")
  [ "$1 $made" = "$wanted" ] ||
    echo "$1 was left alone, but docker-compose.yml or .env has changed for it. To replace it, which takes it away for a moment:" \
      "docker compose up -d --wait --no-deps $1"
}

case ${1:-} in
  "") order="xray-worker stats-collector api" ;;
  back) order="api stats-collector xray-worker" ;;
  *) echo "usage: sh deploy/update.sh [back]" >&2; exit 64 ;;
esac
for service in $order; do require_image "$service"; done
# Makes the secrets that are new in a version. A version before needs none of them.
if [ $# -eq 0 ]; then
  require_image setup
  for service in setup mongodb-users; do run_once "$service"; done
fi
for service in $order; do replace "$service"; done
for service in xray xray-tls redis mongodb caddy prometheus grafana; do tell_of_change "$service"; done
