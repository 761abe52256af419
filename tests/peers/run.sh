#!/bin/sh
# Real clients against a running system whose upstream speaks every vendor's own protocol: SDKs, frameworks, coding agents.
# Needs Python 3.9, Node 20 and cargo; installs what is pinned into target/peers on first use.
#
#   tests/peers/run.sh                      all
#   tests/peers/run.sh python -k anthropic  one of python, litellm, instructor, node, agents; the rest goes to pytest or node
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
work="${CARGO_TARGET_DIR:-$root/target}/peers"

# A virtual environment as old as the list of what belongs into it is made anew.
python_packages() { # FOLDER
    cmp -s "$here/$1/requirements.txt" "$work/$1/requirements.txt" && return
    rm -rf "${work:?}/$1"
    mkdir -p "$work"
    python3 -m venv "$work/$1"
    "$work/$1/bin/pip" install --quiet --no-deps --requirement "$here/$1/requirements.txt"
    cp "$here/$1/requirements.txt" "$work/$1/requirements.txt"
}

node_packages() { # FOLDER
    mkdir -p "$work/$1"
    if ! cmp -s "$here/$1/package-lock.json" "$work/$1/package-lock.json" || [ ! -d "$work/$1/node_modules" ]; then
        cp "$here/$1/package.json" "$work/$1/"
        npm --prefix "$work/$1" install --package-lock=false --ignore-scripts --dry-run >/dev/null 2>&1 || true
        cp "$here/$1/package-lock.json" "$work/$1/package-lock.new"
        mv "$work/$1/package-lock.new" "$work/$1/package-lock.json"
        (cd "$work/$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null) || { rm -f "$work/$1/package-lock.json"; return 1; }
    fi
    # Node looks for packages beside the file that asks for them.
    cp "$here/$1/package.json" "$here/$1"/*.js "$work/$1/"
}
