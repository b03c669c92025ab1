# `make help` lists what can be done here.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test chaos fuzz proof check check-deps bench bench-quick bench-growth bench-transfer bench-peers openapi test-tools

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

proof: test-tools ## Check the document, and run the clients that generators make of it; installs those too
	@.ci/test-tools proof
	target/test-tools/proof/node_modules/.bin/spectral lint --ruleset tests/clients/spectral.yaml --fail-severity hint \
		openapi/openapi.json
	cargo test --locked --test api -- --ignored breaking_changes:: clients::

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
