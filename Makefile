# The front door. Each target is a script or one command; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help up build test bench fmt lint prices

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

up: ## Set up what is missing, build, run gateway and dashboard in the foreground
	@scripts/up.sh

build: ## Build the release programs into target/release
	@scripts/build-ui.sh
	cargo build --release -p deltallm -p deltallm-proxy -p deltallm-admin

test: ## Everything that must pass; the last line is "N passed, N failed"
	@scripts/run-tests.sh

bench: ## The gateway beside nginx on this machine; results in benches/results/latest.json
	@scripts/bench.sh

fmt: ## Format all code
	cargo fmt --all
	npm --prefix ui run --silent format

lint: ## What `make test` checks before it tests
	@scripts/run-tests.sh lint

prices: ## Rebuild the price catalogue from its pinned source
	scripts/build-price-catalogue.py
