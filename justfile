# Recipes. `sh ./test.sh RECIPE` runs one with the tools that it needs.

set shell := ["bash", "-euo", "pipefail", "-c"]

# The recipes
default:
    @just --list --unsorted

# Every tier of tests, the cheapest first
test: lint test-rules test-clients test-alerts test-browser test-chart test-benchmarks
    @echo; echo "Closing lines of the test runners:"; cat target/closing-lines.txt

# What a build server runs
ci: test

# Put every file in order
fmt:
    cargo fmt
    taplo fmt

# Formatting, lints, contract, licences and sources, spelling
lint:
    cargo fmt --check
    cargo fmt --check --manifest-path tests/powercut/Cargo.toml
    cargo clippy --locked --manifest-path tests/powercut/Cargo.toml --target-dir target/powercut -- -D warnings
    taplo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    buf lint
    hadolint Containerfile
    cargo fetch --locked --quiet
    cargo deny --offline check bans licenses sources
    cargo deny --offline --manifest-path tests/powercut/Cargo.toml check bans licenses sources
    typos

# The tests in Rust
test-rules:
    @mkdir -p target; rm -f target/closing-lines.txt
    cargo test --locked 2>&1 | tee target/test-rules.log
    @grep '^test result:' target/test-rules.log >> target/closing-lines.txt

# Clients in other languages against the real server
test-clients:
    cargo build --locked
    @mkdir -p target
    STEELYARD_BIN="$PWD/target/debug/steelyard" python3 -m pytest -q tests/clients 2>&1 | tee target/test-clients.log
    @tail -n 1 target/test-clients.log >> target/closing-lines.txt

# The alerts: unit tests by promtool, the dashboard, and a rehearsal of faults in real servers under a real Prometheus
test-alerts:
    sh .ci/prometheus
    cargo build --locked
    @mkdir -p target
    STEELYARD_BIN="$PWD/target/debug/steelyard" python3 -m pytest -q -rs tests/alerts 2>&1 | tee target/test-alerts.log
    @echo "alerts:" "$(tail -n 1 target/test-alerts.log)" >> target/closing-lines.txt

# A real browser against the real server: gRPC-web of another site, the pages, the examples of dashboards
test-browser:
    sh .ci/browser
    cargo build --locked
    STEELYARD_BIN="$PWD/target/debug/steelyard" node --test --test-concurrency=1 \
        --test-reporter=spec --test-reporter-destination=stdout \
        --test-reporter=tap --test-reporter-destination=target/test-browser.tap tests/browser/*.test.mjs
    @echo "browser:" $(grep -E '^# (tests|pass|fail|skipped)' target/test-browser.tap | tr -d '#') >> target/closing-lines.txt

# The image, of what tests have built or of `just image release`: binary, SBOM and OCI archive in target/image
image profile="dev":
    sh .ci/buildah
    sh .ci/image {{ profile }}

# The image and the chart: what is in it, what Helm renders, and both started as nearly as a cluster would
test-chart: image
    STEELYARD_BIN="$PWD/target/image/steelyard" python3 -m pytest -q tests/chart 2>&1 | tee target/test-chart.log
    @tail -n 1 target/test-chart.log >> target/closing-lines.txt

# Everything that the OpenAPI document says, asked rightly and wrongly: just fuzz-http 10000 [SEED]
fuzz-http cases="10000" seed="7":
    cargo build --locked
    STEELYARD_BIN="$PWD/target/debug/steelyard" STEELYARD_FUZZ_CASES={{ cases }} STEELYARD_FUZZ_SEED={{ seed }} python3 -m pytest -q -s tests/clients/test_http.py

# Throw arbitrary bytes at a parser: page_token, csv_mapping, policy, evidence_batch, ndjson_row, predict_line, backup_file
fuzz target seconds="60":
    command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is not there: cargo install cargo-fuzz --locked"; exit 69; }
    mkdir -p fuzz/corpus/{{ target }}
    cargo +nightly fuzz run {{ target }} --fuzz-dir fuzz fuzz/corpus/{{ target }} fuzz/seeds/{{ target }} -- -max_total_time={{ seconds }} -max_len=20000

# Power cuts at random operations, of a store whose syncs are honest, whose engine's are not, whose journal's are not
powercut rounds="200" first="0":
    STEELYARD_POWERCUT_ROUNDS={{ rounds }} STEELYARD_POWERCUT_FIRST={{ first }} cargo test --locked --test steelyard powercut:: -- --nocapture --test-threads 1

# Known vulnerabilities in what we depend on; fetches the advisory database
audit:
    cargo deny check advisories

# kill -9 of the real server under load, while opening, stopping, backing up and rebuilding: just torture 200 [SEED]
torture rounds="200" seed="1":
    STEELYARD_TORTURE_ROUNDS={{ rounds }} STEELYARD_TORTURE_SEED={{ seed }} cargo test --locked --test steelyard torture::a_kill -- --nocapture

# Bits flipped in and ends cut off every file of a store: just damage 240 [SEED]
damage rounds="240" seed="1":
    STEELYARD_DAMAGE_ROUNDS={{ rounds }} STEELYARD_DAMAGE_SEED={{ seed }} cargo test --locked --test steelyard damage:: -- --nocapture

# kill -9 at random moments of a run, under a reader: just rescore-drill 100 [SEED]
rescore-drill rounds="100" seed="1":
    STEELYARD_RESCORE_ROUNDS={{ rounds }} STEELYARD_RESCORE_SEED={{ seed }} cargo test --locked --test steelyard rescoring::a_kill -- --nocapture

# A small disk filled up under the real server; needs `unshare -Urm` and fails where that is not allowed
small-disk:
    STEELYARD_SMALL_DISK_REQUIRED=1 cargo test --locked --test steelyard small_disk::a_full -- --nocapture

# SIGTERM under load: every call is answered or UNAVAILABLE, nothing acknowledged is lost: just stopping 100 [SEED]
stopping rounds="100" seed="1":
    STEELYARD_STOPPING_ROUNDS={{ rounds }} STEELYARD_STOPPING_SEED={{ seed }} cargo test --locked --test steelyard stopping:: -- --nocapture

# Keeps store, settings, policy, contract and answers of this release, for the tests of those to come
keep-release:
    cargo build --locked
    STEELYARD_BIN="$PWD/target/debug/steelyard" python3 tests/clients/keep_release.py

# Attacks on a real server, each for so many seconds: those who may call keep their rate
attack seconds="20":
    STEELYARD_ATTACK_SECONDS={{ seconds }} cargo test --locked --test steelyard attack:: -- --nocapture --test-threads 1

# A directory destroyed and restored, an engine destroyed and rebuilt
restore-drill:
    cargo test --locked --test steelyard restore_drill:: -- --nocapture

# The page of settings, the data dictionary, the screens of the command line, the dashboard, the facts in PRIVACY and TRANSPARENCY, the chart's README and renders, made anew
keep:
    cargo run --locked --quiet -- config reference > docs/CONFIGURATION.md
    python3 helm/dashboard.py > helm/steelyard/files/dashboard.json
    STEELYARD_KEEP_SCREENS=1 cargo test --locked --lib cli::
    STEELYARD_KEEP_DICTIONARY=1 cargo test --locked --lib http::export::dictionary::
    STEELYARD_KEEP_PAPERS=1 cargo test --locked --test steelyard papers::the_papers_say_what_the_code_does
    python3 helm/readme.py > helm/steelyard/README.md
    STEELYARD_KEEP_GOLDEN=1 STEELYARD_BIN="$PWD/target/debug/steelyard" python3 -m pytest -q tests/chart/test_chart.py

# The demonstration, on a free port, ending by itself
demo:
    cargo run --release --locked -- demo --once --port 0

# How the order of seven thousand real people agrees with what they went on to do; needs the shared reference
broward:
    cargo test --locked --test steelyard broward:: -- --nocapture --test-threads 1

# The default policy held against public data, and docs/EVALUATION.md made anew; needs the shared reference
evaluation:
    STEELYARD_KEEP_EVALUATION=1 cargo test --locked --test steelyard public_data:: -- --nocapture --test-threads 1

# Every benchmark, at its usual scale: an hour or more, 10 GB under target/bench
bench-all: bench-weigh bench-import bench-write bench-list bench-standing bench-memory bench-backup bench-rebuild bench-rescore bench-secured bench-supervision bench-retention bench-http bench-export bench-seeing bench-evaluation

# What a server takes for so many people: memory, disk, processor, time: just sizing 10000 100000 1000000
sizing *SIZES:
    cargo build --release --locked
    STEELYARD_BIN="$PWD/target/release/steelyard" python3 benches/sizing.py {{ SIZES }}

# A run against decoding once and against one statement of PostgreSQL; lists, memory and bytes meanwhile
bench-rescore *OPTIONS:
    cargo bench --locked --bench rescore -- {{OPTIONS}}

# An evaluation of five index dates with a thousand samples against weighing everybody once
bench-evaluation *OPTIONS:
    cargo bench --locked --bench evaluation -- {{OPTIONS}}

# ListStandings against an echo: just bench-list --scale 100000
bench-list *OPTIONS:
    cargo bench --locked --bench list -- {{OPTIONS}}

# GetStanding and GetNeighbourhood against an echo, and how their cost grows
bench-standing *OPTIONS:
    cargo bench --locked --bench standing -- {{OPTIONS}}

# Weighing against decoding
bench-weigh *OPTIONS:
    cargo bench --locked --bench weigh -- {{OPTIONS}}

# Durable writes against sled alone
bench-write *OPTIONS:
    cargo bench --locked --bench write -- {{OPTIONS}}

# An import against sled alone
bench-import *OPTIONS:
    cargo bench --locked --bench import -- {{OPTIONS}}

# Memory after a restart and at the peak of an import, and the time to start
bench-memory *OPTIONS:
    cargo bench --locked --bench memory -- {{OPTIONS}}

# Lists during a full backup against lists of an idle server
bench-backup *OPTIONS:
    cargo bench --locked --bench backup -- {{OPTIONS}}

# A start from backup and journal alone against the import
bench-rebuild *OPTIONS:
    cargo bench --locked --bench rebuild -- {{OPTIONS}}

# ListStandings with client certificates, tokens and a durable audit against the same without
bench-secured *OPTIONS:
    cargo bench --locked --bench secured -- {{OPTIONS}}

# Gaps against an echo, returns against one scan, a victim of hundreds against a victim of one
bench-supervision *OPTIONS:
    cargo bench --locked --bench supervision -- {{OPTIONS}}

# The first page of who is due for review after a write against the next page
bench-retention *OPTIONS:
    cargo bench --locked --bench retention -- {{OPTIONS}}

# Lists in JSON over HTTP against gRPC, the first page and scrolling: just bench-http --scale 100000
bench-http *OPTIONS:
    cargo bench --locked --bench http -- {{OPTIONS}}

# A whole list as CSV against a copy of the same bytes, and memory meanwhile, as for Parquet
bench-export *OPTIONS:
    cargo bench --locked --bench export -- {{OPTIONS}}

# ListStandings counted, logged and traced, one call in a hundred, against the same server that does none of it
bench-seeing *OPTIONS:
    cargo bench --locked --bench seeing -- {{OPTIONS}}

# How long a reader in a browser waits for a list, and for its next pages, of a server that runs: just bench-view http://127.0.0.1:8080 all [TOKEN]
bench-view server="http://127.0.0.1:8080" list="all" *token:
    sh .ci/browser
    node tests/browser/first_view.mjs {{server}} {{list}} {{token}}

# A few seconds of each benchmark, unoptimised: that it works, not how fast anything is
test-benchmarks:
    cargo bench --locked --profile dev --benches --no-run
    for name in list standing weigh write import memory backup rebuild rescore secured supervision retention http export seeing evaluation; do cargo bench --locked --profile dev --bench "$name" -- --sample; done
