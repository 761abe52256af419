#!/bin/sh
# Real clients against a running system whose upstream speaks every vendor's own protocol: SDKs, frameworks, coding agents.
# Needs Python 3.10, Node 20 and cargo; installs what is pinned into target/peers on first use.
#
#   tests/peers/run.sh                      all
#   tests/peers/run.sh python -k anthropic  one of python, litellm, instructor, node, agents; the rest is for pytest
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
target="${CARGO_TARGET_DIR:-$root/target}"
work="$target/peers"
pythons="python litellm instructor"
nodes="node agents"

# A virtual environment that is not the one of today's list is made anew.
python_packages() { # FOLDER
    if ! cmp -s "$here/$1/requirements.txt" "$work/$1/requirements.txt"; then
        rm -rf "${work:?}/$1"
        python3 -m venv "$work/$1"
        # The list is whole: what a package says it needs was decided when the list was made.
        "$work/$1/bin/pip" install --quiet --no-deps --requirement "$here/$1/requirements.txt"
        cp "$here/$1/requirements.txt" "$work/$1/requirements.txt"
    fi
}

node_packages() { # FOLDER
    mkdir -p "$work/$1"
    cp "$here/$1/package.json" "$work/$1/"
    if ! cmp -s "$here/$1/package-lock.json" "$work/$1/installed.json"; then
        cp "$here/$1/package-lock.json" "$work/$1/"
        (cd "$work/$1" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
        cp "$here/$1/package-lock.json" "$work/$1/installed.json"
    fi
    # Node looks for packages beside the file that asks for them.
    cp "$here/$1"/*.js "$work/$1/"
}

in_system() { "$target/debug/with-system" "$@"; }

test_python() { # FOLDER ARGUMENTS...
    folder=$1
    shift
    PYTHONPATH="$here/python" LITELLM_LOCAL_MODEL_COST_MAP=True PYTHONDONTWRITEBYTECODE=1 \
        in_system "$work/$folder/bin/python" -m pytest --quiet --tb=short -p no:cacheprovider "$@" "$here/$folder"
}

test_node() { # FOLDER
    # One file at a time: each has the machine for itself, and its models.
    in_system node --test --test-concurrency=1 --test-reporter=spec "$work/$1"/*.test.js
}

suites=${1:-$pythons $nodes}
[ $# -eq 0 ] || shift
mkdir -p "$work"
installing=""
for suite in $suites; do
    case " $pythons " in
        *" $suite "*) python_packages "$suite" & ;;
        *) node_packages "$suite" & ;;
    esac
    installing="$installing $!"
done
cargo build --quiet --workspace --bins --manifest-path "$root/Cargo.toml"
failed=0
for process in $installing; do
    wait "$process" || failed=1
done
[ "$failed" -eq 0 ] || { echo "peers: some packages could not be installed" >&2; exit 1; }

cd "$root"
for suite in $suites; do
    case " $pythons " in
        *" $suite "*) test_python "$suite" "$@" || failed=1 ;;
        *) test_node "$suite" || failed=1 ;;
    esac
done
exit "$failed"
