# `make help` lists what can be done here.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos fuzz proof coverage mutants check check-deps bench bench-quick bench-growth bench-transfer bench-peers openapi test-tools

help: ## List what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Run the service on http://127.0.0.1:9443, with its data in ./latchkey-data
	cargo run --release

test: test-tools check ## Check everything and run every test; installs what they need where it is missing
	cargo test --locked

chaos: test-tools ## Break servers and connections for longer than the tests do: CHAOS_SECONDS for each fault
	CHAOS_SECONDS=$${CHAOS_SECONDS:-20} cargo test --locked --test store -- --nocapture --test-threads 1 \
		chaos:: cluster:: durability::
	cargo test --locked --test api -- --nocapture --test-threads 1 failover:: kills::

fuzz: test-tools ## Send the service what Schemathesis makes up for longer than the tests do: FUZZ_SECONDS
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} cargo test --locked --test api -- --nocapture schemathesis::

proof: test-tools ## Check the document, run clients that generators make of it, look for lines that no test holds; installs what that needs
	@.ci/test-tools proof
	target/test-tools/proof/node_modules/.bin/spectral lint --ruleset tests/clients/spectral.yaml --fail-severity hint \
		openapi/openapi.json
	cargo test --locked --test api -- --ignored breaking_changes:: clients::
	$(MAKE) coverage
	$(MAKE) mutants

# What a service has covered is lost when a test kills it. cargo llvm-cov builds no example, and the one here is not of src/.
coverage: test-tools ## Run every test, and show in target/llvm-cov/html what of src/ none of them runs
	@command -v cargo-llvm-cov >/dev/null || cargo install --locked cargo-llvm-cov
	CARGO_PROFILE_DEV_DEBUG=none cargo llvm-cov --locked --html -- --skip protected_service --skip nginx_lets_in
	cargo llvm-cov report --summary-only

# All mutants, 4200, take days. Without MUTANTS it is those of what has changed SINCE the commit before the last: a quarter of
# an hour, and some minutes for each, or ten for one that no test notices. They are made in a copy of the project, which is
# built in a folder of its own: Cargo would take the last mutant for the project. Of the tests of the API those are left out
# that only repeat others on another store, that measure, or that need target/test-tools or the example; those of the store
# are all there.
mutants: SINCE ?= HEAD~1
mutants: MUTANTS ?= --in-diff target/mutants/changed.diff
mutants: test-tools ## Make accounts and store wrong, a line at a time, and tell what no test has noticed: MUTANTS, SINCE
	@command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
	@command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest
	@mkdir -p target/mutants && git diff $(SINCE) -- src/accounts src/store >target/mutants/changed.diff
	@test -s target/mutants/changed.diff || echo 'mutants: accounts and store are as at $(SINCE), which gives none'
	CARGO_PROFILE_DEV_DEBUG=none CARGO_TARGET_DIR=$(CURDIR)/target/mutants/build \
		cargo mutants --output target/mutants $(MUTANTS) -- --locked --lib --test api --test store \
		-E 'binary(store) | not test(/::(redis|embedded_on_disk)$$|valkey|cluster|sentinel|smtp|chromium|promtool|nginx|protected_service|docs::|snippets::|schemathesis::|clients::|load::/)'

check: ## Check the format, the lints and the documentation
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --features argon2-simd -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Fetching the advisories comes first and alone, so that an unreachable database is told apart from a finding.
check-deps: ## Check the dependencies: licenses, sources, advisories, unused ones
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	@command -v cargo-machete >/dev/null || cargo install --locked cargo-machete
	cargo deny --locked check bans licenses sources
	@if cargo deny fetch db >/dev/null 2>&1; then \
		cargo deny --locked check --disable-fetch advisories; \
	else \
		echo "check-deps: the advisory database cannot be fetched; advisories are not checked"; \
	fi
	cargo machete

bench: ## Measure load beside its limits, then times, memory, size and start-up
	cargo bench --bench latchkey

bench-quick: ## Measure load beside its limits, in less than two minutes
	cargo bench --bench latchkey -- quick

bench-growth: ## Measure how the stores grow, to a million users
	cargo bench --bench latchkey -- growth

bench-transfer: ## Measure the import and the export of a million users
	cargo bench --bench latchkey -- transfer

bench-peers: ## Measure Latchkey beside FastAPI-Users and better-auth: PEERS_SECONDS for each figure
	@command -v python3 >/dev/null || { echo "bench-peers: install python3" >&2; exit 1; }
	python3 -B benches/peers $(LATCHKEY)

# Each file is written beside its place and moved there, so that a failure leaves the old one.
openapi: ## Write openapi/openapi.json and openapi/openapi.yaml
	@mkdir -p openapi
	cargo run -q --locked -- openapi > openapi/.json.new || { rm -f openapi/.json.new; exit 1; }
	cargo run -q --locked -- openapi --yaml > openapi/.yaml.new || { rm -f openapi/.*.new; exit 1; }
	mv openapi/.json.new openapi/openapi.json
	mv openapi/.yaml.new openapi/openapi.yaml

test-tools: ## Install what the tests need where it is missing: redis-server, valkey-server, setpriv, curl, chromium, nginx, promtool, systemd-analyze, pip, Node
	@.ci/test-tools
