#!/bin/sh
# Makes src/veil_xray_api/generated from docs/openapi.json with openapi-python-client 0.29.1, which has to be installed.
set -eu
cd "$(dirname "$0")"
exec openapi-python-client generate --fail-on-warning --overwrite --meta none --config generator.yaml \
  --path ../../docs/openapi.json --output-path src/veil_xray_api/generated
