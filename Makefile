# What a person types. `make` alone lists the targets; each has one line here.
PYTHON ?= python3
STACK = $(PYTHON) tests/stack
CARGO_LAMBDA = .tools/bin/cargo-lambda
ZIG = .tools/bin/python-zig
F ?=
E ?=
ID ?=
SUBJECT ?=
ROLE ?=
KEEP ?=
export KEEP

.DEFAULT_GOAL := help
.PHONY: help demo up down test story fortnight fortnight-slack tools invoke trace audit token contract lint deny terraform-check terraform-apply-check promises bench model release release-check

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' Makefile

demo: ## journey 1 on this machine, from git push to pipelines, as a story (KEEP=1 leaves it up; ON=codecommit: with the repository there)
	@$(STACK) demo $(ON)

up: ## start the local stack alone: empty repository, addresses in target/stack/
	@$(STACK) up

down: ## stop the local stack
	@$(STACK) down

test: ## everything: cargo test, terraform checks, the journey on the stack
	@$(PYTHON) tests/stack/everything.py

story: ## journey 1 over the in-memory world: no emulators, no AWS crate
	@cargo run --locked --profile story -p tests --no-default-features --bin story

fortnight: ## a fortnight of work items in a minute, in memory: kills, an exception, an escalation, the chat as text
	@cargo run --locked --profile story -p tests --no-default-features --bin fortnight

fortnight-slack: ## the same posts through the adapter that ships, to an emulator of Slack, read back (needs Node; says so when it did not run)
	@$(STACK) fortnight-slack

tools: $(CARGO_LAMBDA) ## put the pinned cargo-lambda into .tools/

$(CARGO_LAMBDA):
	@$(PYTHON) -m venv .tools
	@# Without its dependency: ziglang (400 MB) is only for cross-compiling, and invoke and watch do not need it.
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --no-deps cargo-lambda==1.9.2
	@$(CARGO_LAMBDA) lambda --version

invoke: $(CARGO_LAMBDA) ## send a sample to a function under `cargo lambda watch`: F=github-webhook E=ping
	@test -n "$(F)" -a -n "$(E)" || { echo "say which: make invoke F=<function> E=<sample>; the samples are events/<function>/<sample>.json"; exit 2; }
	@test -d "functions/$(F)" || { echo "there is no function $(F); there are: $$(ls functions | tr '\n' ' ')"; exit 2; }
	@test -f "events/$(F)/$(E).json" || { echo "$(F) has no sample $(E); it has: $$(cd "events/$(F)" && ls *.json | sed 's/\.json$$//' | tr '\n' ' ')"; exit 2; }
	@PATH="$(CURDIR)/.tools/bin:$$PATH" cargo lambda invoke "$(F)" --invoke-address 127.0.0.1 --data-file "events/$(F)/$(E).json" || \
	{ echo "was the connection refused? Then start cargo lambda watch first: events/README.md says how"; exit 1; }

trace: ## one event's path through the running stack: ID=<correlation id>
	@$(STACK) trace "$(ID)"

audit: ## an audit chain, verified: SUBJECT=cluster:<env>/<region alias>/regional, …/management/<name>, certificate:<cluster>, scope:<scope>, item:<item>, maintenance:<task>, or rhythm:<channel>
	@$(STACK) audit "$(SUBJECT)"

token: ## a token for the running stack's HTTP API: USER=ada, and ROLE=member to add a role
	@# Every shell sets USER: only what was typed here counts.
	@$(STACK) token "$(if $(filter command,$(firstword $(origin USER))),$(USER))" "$(ROLE)"

contract: ## write events/contract.json, schemas and README again from the code
	@UPDATE_CONTRACT=1 cargo test --quiet --locked -p tests --test workspace contract

lint: deny ## format, clippy, documentation, dependencies
	@cargo fmt --all -- --check
	@cargo clippy --workspace --all-targets --quiet --locked -- -D warnings
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet --locked

deny: ## licences, bans and sources of dependencies (cargo-deny, when it is installed)
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources && \
	if cargo deny fetch db >/dev/null 2>&1; then cargo deny --locked check --disable-fetch advisories; \
	else echo "advisories were not checked: their database cannot be reached from here"; fi; \
	else echo "skipped: cargo-deny is not installed (cargo install cargo-deny --locked)"; fi

terraform-check: ## fmt, validate, terraform test and static checks; says what it had to skip
	@$(PYTHON) tests/terraform/check.py

terraform-apply-check: ## apply against the emulator, then an empty second plan
	@$(PYTHON) tests/terraform/apply.py

promises: ## what the specification asks for, and which test proves it
	@cargo test --quiet --locked -p tests --test workspace promises -- --nocapture

bench: ## measure: planning 10,000 clusters, what an admission costs, whether a signature's comparison leaks time
	@cargo run --quiet --locked --profile bench -p tests --no-default-features --bin bench-plan
	@cargo run --quiet --locked --profile bench -p tests --no-default-features --bin bench-signature
	@cargo bench --quiet --locked -p tests --no-default-features --features bench-wip --bench wip

# CI does not run it: it has the four items' histories, and shorter runs of the rest, in cargo test already.
model: ## the proofs of the limits on work in progress that are too long for `make test`: all histories of the larger worlds, 100,000 random acts
	@cargo test --quiet --locked --profile bench -p common --no-default-features --lib wip::tests -- --include-ignored --nocapture --test-threads 1

release: $(ZIG) ## each function as Terraform deploys it: target/lambda/<function>/bootstrap.zip for arm64, with its size
	@$(PYTHON) tests/release/package.py

release-check: ## the webhook as it ships, built for this machine: its size, one AWS call an event
	@$(PYTHON) tests/release/check.py

$(ZIG): | $(CARGO_LAMBDA)
	@echo "First run: putting zig into .tools/ (100 MB to download, 400 MB there); it links for arm64 …"
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: ziglang==0.17.0
