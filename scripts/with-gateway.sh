#!/usr/bin/env bash
# with-gateway.sh COMMAND...: runs the command beside a gateway of its own: `deltallm up` with a new home on free ports.
# The command finds DELTALLM_DASHBOARD_URL, DELTALLM_API_URL and DELTALLM_MASTER_KEY in its environment.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
# PostgreSQL may run as another account, which has to come through.
chmod 755 "$folder"
launcher=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
  if [ -n "$launcher" ]; then
    kill -TERM "$launcher" 2>/dev/null || true
    wait "$launcher" || true
  fi
  rm -rf "$folder"
}
trap cleanup EXIT

any=127.0.0.1:0
env -u DATABASE_URL -u DELTALLM_CONFIG_PATH -u DELTALLM_MASTER_KEY -u DELTALLM_SALT_KEY -u DELTALLM_ADMIN_PASSWORD \
  DELTALLM_HOME="$folder/home" DELTALLM_LISTEN=$any DELTALLM_ADMIN_LISTEN=$any DELTALLM_OPS_LISTEN=$any DELTALLM_INTERNAL_LISTEN=$any \
  "${CARGO_TARGET_DIR:-target}/debug/deltallm" up >"$folder/out" 2>&1 </dev/null &
launcher=$!

for _ in $(seq 240); do
  grep -q 'Ctrl-C stops it' "$folder/out" && break
  kill -0 "$launcher" 2>/dev/null || break
  sleep 0.5
done
if ! grep -q 'Ctrl-C stops it' "$folder/out"; then
  cat "$folder/out" >&2
  exit 1
fi

address() { sed -n "s|^  $1 *\(http://[0-9.:]*\).*|\1|p" "$folder/out"; }
DELTALLM_API_URL=$(address API)
DELTALLM_DASHBOARD_URL=$(address Dashboard)
DELTALLM_MASTER_KEY=$(sed -n 's/^DELTALLM_MASTER_KEY=//p' "$folder/home/secrets.env")
export DELTALLM_API_URL DELTALLM_DASHBOARD_URL DELTALLM_MASTER_KEY

status=0
"$@" || status=$?
# What went wrong in the services helps to read what went wrong in the tests.
[ "$status" -eq 0 ] || tail -n 20 "$folder"/home/logs/{proxy,admin}.log >&2
exit "$status"
