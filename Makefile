# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Needed beforehand: git, a Rust toolchain, Go 1.26+, Python 3.11+ and Terraform 1.11+ (or OpenTofu through SLIPWAY_TERRAFORM).

.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help
help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

# Everything is built in one go, so that each dependency is compiled once and with one set of features.
XTASK = $(CARGO) build --workspace --bins && $(or $(CARGO_TARGET_DIR),target)/debug/xtask

.PHONY: demo
demo: setup ## The main job in the sandbox: apply, apply again, change, destroy, account diff empty (cold 30 min, warm 4 min)
	@echo "building the workspace (first time: 5 min)"
	@$(XTASK) demo

.PHONY: test
test: setup-for-tests ## Everything that must pass before a change lands (cold 65 min, warm 50 min)
	@echo "building the workspace (first time: 5 min)"
	@$(XTASK) test

.PHONY: docs
docs: setup ## Write the registry documentation from the provider's schema
	@$(XTASK) docs

.PHONY: bench
bench: setup ## Measure what the README claims
	@$(XTASK) bench

.PHONY: setup
setup:
	@./setup.sh

.PHONY: setup-for-tests
setup-for-tests:
	@./setup.sh tests
