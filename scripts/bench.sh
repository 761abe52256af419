#!/usr/bin/env bash
# `make bench`: the gateway beside nginx, same work, same machine, in turns. Arguments go to the bench program.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh

need_postgres
need_nginx
need_compiler
need_rust
scripts/build-ui.sh
cargo run --release -p deltallm-benches --bin bench -- --out benches/results/latest.json "$@"
