#!/usr/bin/env bash
# `make test`: every suite there is, on a machine that may have nothing installed yet.
# A suite that cannot run counts as failed; the last line sums all of them up.
#
#   scripts/run-tests.sh         everything
#   scripts/run-tests.sh lint    only what needs no running service
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. scripts/install.sh

DENY_VERSION=0.20.2
logs=test-results
mkdir -p "$logs"
passed=0
failed=0
failures=()

count() { # NAME PASSED FAILED
  passed=$((passed + $2))
  failed=$((failed + $3))
  [ "$3" -eq 0 ] || failures+=("$1 ($3)")
}

# check NAME COMMAND...: one thing that holds or does not.
check() {
  local name=$1
  shift
  say "$name"
  if "$@" </dev/null; then count "$name" 1 0; else count "$name" 0 1; fi
}

# suite NAME COUNTER COMMAND...: COUNTER reads the log of the run and prints "PASSED FAILED".
suite() {
  local name=$1 counter=$2 log
  shift 2
  log="$logs/${name// /-}.log"
  say "$name"
  "$@" </dev/null 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]} ok bad
  read -r ok bad < <("$counter" "$log")
  # A run that broke before it could count, or found nothing to run, is a failure too.
  if [ "$status" -ne 0 ] && [ "${bad:-0}" -eq 0 ]; then bad=1; fi
  if [ "$((${ok:-0} + ${bad:-0}))" -eq 0 ]; then bad=1; fi
  count "$name" "${ok:-0}" "${bad:-0}"
}

from_cargo() { # test result: ok. 7 passed; 0 failed; …
  awk '/^test result:/ { for (i = 1; i < NF; i++) { if ($(i + 1) == "passed;") p += $i; if ($(i + 1) == "failed;") f += $i } }
       END { print p + 0, f + 0 }' "$1"
}

from_nextest() { # Summary [ 9.5s] 120 tests run: 119 passed, 1 failed, 0 skipped
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '/^ *Summary \[/ { for (i = 1; i < NF; i++) {
      if ($(i + 1) ~ /^passed/) p = $i; if ($(i + 1) ~ /^(failed|timed)/) f += $i } } END { print p + 0, f + 0 }'
}

from_json() { # FILE EXPRESSION: over the report `r`
  node -e 'const r = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(eval(process.argv[2]))' "$1" "$2" 2>/dev/null
}
from_vitest() { from_json "$logs/vitest.json" 'r.numPassedTests + " " + r.numFailedTests'; }
from_playwright() { from_json "$logs/playwright.json" 'r.stats.expected + " " + (r.stats.unexpected + r.stats.flaky)'; }

# pytest: "12 passed, 1 failed, 1 error in 3.21s"; node: "ℹ pass 5", "ℹ fail 0".
from_peers() {
  awk '/ in [0-9.]+s/ { for (i = 1; i < NF; i++) { if ($(i + 1) ~ /^passed/) p += $i; if ($(i + 1) ~ /^(failed|error)/) f += $i } }
       $2 == "pass" && NF == 3 { p += $3 }
       $2 == "fail" && NF == 3 { f += $3 }
       END { print p + 0, f + 0 }' "$1"
}

ui() { npm --prefix ui run --silent "$@"; }

deny() {
  cargo_tool cargo-deny "$DENY_VERSION" || return
  cargo deny --all-features check licenses bans sources || return
  # The advisory database is a git repository; where no git host can be reached there is nothing to compare with.
  if timeout 60 cargo deny fetch db >/dev/null 2>&1; then
    cargo deny --all-features check advisories
  else
    echo "NOTE: RustSec's advisory database cannot be reached from here: known vulnerabilities were NOT looked for."
  fi
}

lint() {
  check "cargo fmt" cargo fmt --all --check
  check "cargo clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
  check "cargo deny" deny
  check "ui lint" ui lint
  check "ui typecheck" ui typecheck
}

rust_tests() {
  # The tests of the launcher and of the whole system run the programs themselves.
  check "cargo build" cargo build --workspace --bins --quiet
  if has cargo-nextest; then
    suite "rust tests" from_nextest cargo nextest run --workspace --no-fail-fast --status-level fail --final-status-level fail --show-progress none
    suite "rust doc tests" from_doc_tests cargo test --workspace --doc --quiet
  else
    suite "rust tests" from_cargo cargo test --workspace --no-fail-fast --quiet
  fi
}

# Documentation without examples has no tests, which is no failure: the run itself counts as one.
from_doc_tests() {
  local ok bad
  read -r ok bad < <(from_cargo "$1")
  echo "$((ok + 1)) $bad"
}

ui_tests() {
  suite "ui unit tests" from_vitest ui test -- --reporter=default --reporter=json --outputFile.json="$PWD/$logs/vitest.json"
  check "ui build" scripts/build-ui.sh
  check "ui size" ui size
}

end_to_end() {
  export PLAYWRIGHT_JSON_OUTPUT_NAME="$PWD/$logs/playwright.json"
  rm -f "$PLAYWRIGHT_JSON_OUTPUT_NAME"
  CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
  export CHROMIUM
  suite "dashboard end to end" from_playwright scripts/with-gateway.sh npm --prefix ui run --silent e2e -- --reporter=line,json
  suite "real clients" from_peers tests/peers/run.sh
}

prepare() {
  need_compiler && need_rust && need_node && need_python && need_postgres && need_psql && need_redis && need_chromium && npm_ci ui
}

summary() {
  local name
  echo
  for name in "${failures[@]}"; do echo "FAILED: $name"; done
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}

check "preparation" prepare
# The admin service carries the dashboard inside, so that is built before anything in Rust.
case "${1:-all}" in
  lint)
    check "ui build" scripts/build-ui.sh
    lint
    ;;
  all)
    ui_tests
    lint
    rust_tests
    end_to_end
    ;;
  *)
    echo "run-tests.sh: unknown argument $1" >&2
    exit 2
    ;;
esac
summary
