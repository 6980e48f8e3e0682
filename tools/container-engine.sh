# How .ci/run comes by containers, in bash: an engine, started where none answers, and the images of this very code. A function that
# returns 1 says in `why_not` what this machine lacks.
why_not=
build_failed=
engine_pid=

engine_answers() {
  timeout 5 docker info > /dev/null 2>&1
}

# Its id alone may be that of another process by now.
engine_runs() {
  [[ " $(jobs -pr | tr '\n' ' ')" == *" $engine_pid "* ]]
}

# Takes a minute at most, and writes what the engine says to a file.
start_engine() {
  local log=$1 deadline=$((SECONDS + 40))
  why_not="no docker"
  command -v docker > /dev/null || return 1
  if engine_answers; then return 0; fi
  why_not="nothing answers at DOCKER_HOST"
  [ -z "${DOCKER_HOST:-}" ] || return 1
  why_not="no container engine answers, and there is no dockerd"
  command -v dockerd > /dev/null || return 1
  why_not="no container engine answers, and only root can start one"
  [ "$(id -u)" = 0 ] || return 1
  # Stopped also where this shell is killed.
  setpriv --pdeathsig TERM dockerd > "$log" 2>&1 &
  engine_pid=$!
  until engine_answers; do
    why_not="dockerd ended: $(tail -n 1 "$log")"
    engine_runs || return 1
    why_not="dockerd did not answer within 40 s"
    if [ "$SECONDS" -ge "$deadline" ]; then
      stop_engine
      return 1
    fi
    sleep 1
  done
}

# Only the one that was started here.
stop_engine() {
  engine_runs || return 0
  kill "$engine_pid" || true
  for _ in {1..15}; do
    sleep 1
    engine_runs || return 0
  done
  kill -KILL "$engine_pid" || true
}

# From images that are here or that a registry has. Where they can't be built although a package registry answers, the fault may be
# the code's: `build_failed` is set.
build_images() {
  local image
  why_not="no docker compose"
  docker compose version > /dev/null 2>&1 || return 1
  for image in $(sed -n 's/^FROM \([^ ]*:[^ ]*\).*/\1/p' Dockerfile | sort -u); do
    why_not="no image $image"
    docker image inspect "$image" > /dev/null 2>&1 || timeout 300 docker pull --quiet "$image" || return 1
  done
  why_not="containers do not start"
  timeout 60 docker run --rm node:24-bookworm-slim true || return 1
  # Tests that need one of these without having it say so themselves.
  timeout 300 docker compose --profile tls pull --quiet --policy missing --ignore-buildable --ignore-pull-failures || true
  if timeout 1800 docker compose build; then return 0; fi
  why_not="no package registry answers in a container"
  timeout 60 docker run --rm node:24-bookworm-slim npm view typescript version || return 1
  timeout 60 docker run --rm golang:1.26-bookworm go list -m golang.org/x/net@latest || return 1
  why_not="docker compose build failed"
  build_failed=1
  return 1
}
