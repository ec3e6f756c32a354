#!/bin/sh
# Checks what this machine has, and installs from the system's packages the two things that cannot be built from source
# here: sshd (the sandbox's hosts) and OpenSSL's headers (libssh2 links them). Everything else is built by `cargo xtask tools`.
# `setup.sh tests` also checks and installs what the tests alone need: Node.js for the identity provider, Java for
# the search engine, a browser for the console.
set -eu

wanted='git cargo go python3 terraform cc make'
[ "${1-}" != tests ] || wanted="$wanted node npm java javac mvn"
missing=''
for program in $wanted; do
  command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
if [ -n "$missing" ]; then
  echo "setup: missing:$missing" >&2
  echo "setup: install them (git, Rust 1.95+, Go 1.26+, Python 3.11+, Terraform 1.11+, a C compiler, make; for the tests also Node.js 20+ with npm, a JDK 17+ and Maven) and run this again" >&2
  exit 1
fi

packages=''
[ -x /usr/sbin/sshd ] || command -v sshd >/dev/null 2>&1 || packages="$packages openssh-server"
if ! command -v pkg-config >/dev/null 2>&1 || ! pkg-config --exists openssl; then
  packages="$packages pkg-config libssl-dev"
fi
python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages="$packages python3-venv"
if [ "${1-}" = tests ] && ! command -v chromedriver >/dev/null 2>&1; then
  packages="$packages chromium chromium-driver"
fi
if [ -n "$packages" ]; then
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: install the equivalents of these Debian packages and run this again:$packages" >&2
    exit 1
  fi
  sudo=''
  [ "$(id -u)" -eq 0 ] || sudo='sudo'
  echo "setup: installing$packages (about a minute)" >&2
  $sudo apt-get update -qq
  # The package would start the system's own sshd; the sandbox starts its own and wants nothing of it.
  # shellcheck disable=SC2086
  $sudo env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $packages >/dev/null
fi
