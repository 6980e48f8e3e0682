#!/bin/sh
# Generates src/generated from proto/. With --check it changes nothing and fails when the committed code differs.
set -eu
cd "$(dirname "$0")"
PATH="$PWD/node_modules/.bin:$PWD/../../../node_modules/.bin:$PATH"

case "${1:-}" in
  "")
    buf generate
    ;;
  --check)
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    buf generate --output "$fresh"
    if ! diff -r "$fresh/src/generated" src/generated; then
      echo "src/generated differs from proto/: run libs/adapters/xray-grpc/generate.sh" >&2
      exit 1
    fi
    ;;
  *)
    echo "usage: generate.sh [--check]" >&2
    exit 64
    ;;
esac
