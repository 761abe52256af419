#!/usr/bin/env bash
# Builds the dashboard into ui/dist, unless it is newer than everything it is made of.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

made_of=(ui/src ui/public ui/index.html ui/package-lock.json ui/vite.config.ts ui/tsconfig.json)
if [ -f ui/dist/index.html ] && [ -z "$(find "${made_of[@]}" -newer ui/dist/index.html -print -quit)" ]; then
  exit 0
fi
need_node
npm_ci ui
say "Building the dashboard"
npm --prefix ui run --silent build -- --logLevel warn
touch ui/dist/index.html
