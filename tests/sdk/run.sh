#!/bin/sh
# Runs the official OpenAI SDKs (Python, JavaScript) against a running system with a mock upstream.
# Needs Python 3.9, Node 20 and cargo; installs the pinned SDKs into target/sdk on first use.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
work="${CARGO_TARGET_DIR:-$root/target}/sdk"
mkdir -p "$work/node"

# A virtual environment as old as the list of what belongs into it is made anew.
if ! cmp -s "$here/python/requirements.txt" "$work/python/requirements.txt"; then
    rm -rf "$work/python"
    python3 -m venv "$work/python"
    "$work/python/bin/pip" install --quiet --requirement "$here/python/requirements.txt"
    cp "$here/python/requirements.txt" "$work/python/requirements.txt"
fi
if ! cmp -s "$here/node/package-lock.json" "$work/node/package-lock.json" || [ ! -d "$work/node/node_modules" ]; then
    cp "$here/node/package.json" "$here/node/package-lock.json" "$work/node/"
    (cd "$work/node" && npm ci --no-audit --no-fund --loglevel=error)
fi
# Node looks for packages beside the file that asks for them.
cp "$here/node/package.json" "$here"/node/*.test.js "$work/node/"

cd "$root"
cargo build --quiet --workspace --bins
failed=0
cargo run --quiet --package deltallm-tests --bin with-system -- \
    "$work/python/bin/python" -m pytest --quiet -p no:cacheprovider "$here/python" || failed=1
cargo run --quiet --package deltallm-tests --bin with-system -- \
    node --test --test-reporter=spec "$work/node/openai.test.js" || failed=1
exit "$failed"
