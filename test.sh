#!/bin/sh
# Every test. Needs Rust, Python 3, Node.js, Chromium, Prometheus and buildah; what else they need is installed into
# target/tools and target/browser and nowhere else. On Debian as root all but Rust are installed where they are missing.
# Without an argument `just test` runs; with arguments, those recipes: `sh ./test.sh lint`.
set -eu
cd "$(dirname "$0")"

missing() {
    echo "test.sh: $1" >&2
    exit 69
}
command -v cargo >/dev/null || missing "cargo is not there; install Rust, see https://rustup.rs"
if ! python3 -c 'import ensurepip' 2>/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing Python 3 with apt-get: the linters and the foreign clients come with it"
    apt-get update -qq && apt-get install -qq -y python3 python3-venv
fi
command -v python3 >/dev/null || missing "python3 is not there; the linters and the foreign clients come with it"

tools=target/tools
if ! cmp -s .ci/tools.txt "$tools/installed.txt"; then
    echo "Installing the tools of .ci/tools.txt into $tools"
    rm -rf "$tools"
    mkdir -p target
    python3 -m venv "$tools" || missing "python3 cannot make a virtual environment; on Debian: apt install python3-venv"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement .ci/tools.txt
    cp .ci/tools.txt "$tools/installed.txt"
fi
PATH="$PWD/$tools/bin:$PATH"
export PATH

[ "$#" -gt 0 ] || set -- test
case " $* " in
    # Said now, and not after an hour of other tests.
    *" test "* | *" ci "* | *" test-browser "*) sh .ci/browser ;;
esac
case " $* " in
    *" test "* | *" ci "* | *" test-chart "* | *" image "*) sh .ci/buildah ;;
esac
case " $* " in
    *" test "* | *" ci "* | *" test-alerts "*) sh .ci/prometheus ;;
esac
exec just "$@"
