#!/usr/bin/env bash
# `make up`: sets up what is missing, builds what is stale, runs the gateway in the foreground.
# PROFILE=release takes the slow, fully optimised build.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
profile=${PROFILE:-release-fast}

need_postgres
need_compiler
need_rust
scripts/build-ui.sh
say "Building DeltaLLM (the first time takes some minutes)"
cargo build --profile "$profile" -p deltallm -p deltallm-proxy -p deltallm-admin

folder=$profile
[ "$profile" = dev ] && folder=debug
program="${CARGO_TARGET_DIR:-target}/$folder/deltallm"
# Should make be killed outright, the gateway must not stay behind.
if has setpriv; then exec setpriv --pdeathsig TERM -- "$program" up; fi
exec "$program" up
