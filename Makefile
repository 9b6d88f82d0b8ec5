# Trine's tasks. `make` alone lists them; docs and CI use these names.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One way to build for everything: flags that differ between steps would compile every dependency twice.
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)

CONTRACTS := bridgecontracts/ethereum
FUZZTIME ?= 20s
BENCH ?= .

.PHONY: help
help: ## Lists the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Builds bin/trine
	@go build -o bin/trine ./cmd/trine

.PHONY: test
test: ## Runs everything: format, vet, lint, generated files, contracts, all Go tests with the race detector, end to end
	scripts/test.sh

.PHONY: test-fast
test-fast: ## Runs the Go tests without the race detector and without the end-to-end suite
	go test ./...

.PHONY: e2e
e2e: build ## Runs the end-to-end suite: the built binary against anvil (RUN=pattern selects tests)
	go test -count=1 -tags e2e -timeout 30m $(if $(RUN),-run '$(RUN)') ./e2e/...

.PHONY: lint
lint: ## Runs golangci-lint: vet, staticcheck, format and a few rules of our own (.golangci.yml)
	"$$(scripts/tools.sh path golangci-lint)" run ./...

.PHONY: fmt
fmt: ## Formats Go and Solidity
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')
	$(MAKE) -C $(CONTRACTS) fmt

.PHONY: generate
generate: contracts ## Writes every generated file again, and what go.mod and go.sum must hold
	go generate ./...
	go mod tidy

.PHONY: contracts
contracts: ## Compiles the contracts
	$(MAKE) -C $(CONTRACTS) build

.PHONY: test-contracts
test-contracts: ## Runs the contracts' tests: unit, fuzz, invariants
	$(MAKE) -C $(CONTRACTS) test

.PHONY: solana-program
solana-program: ## Builds the Solana program, to the same bytes everywhere
	scripts/solana-program.sh

.PHONY: test-solana-program
test-solana-program: ## Runs the Solana program's tests on the real runtime (RUN=pattern selects)
	scripts/solana-program-test.sh $(if $(RUN),'$(RUN)')

.PHONY: solana-validator
solana-validator: ## Finds a solana-test-validator or builds one into the cache (about 20 minutes), and prints its path
	@scripts/tools.sh path solana-test-validator || { [[ $$? == 4 ]] && scripts/tools.sh install solana-validator && scripts/tools.sh path solana-test-validator; }

.PHONY: gas
gas: ## Measures gas and Solana's compute units, prints both tables and writes bench/gas.json
	scripts/gas.sh

.PHONY: bench
bench: ## Runs the benchmarks and writes bench/bench.json (BENCH=pattern selects)
	scripts/bench.sh '$(BENCH)'

.PHONY: demo
demo: build ## Shows the whole path on two chains (SOLANA=1: Ethereum and Solana; JSON=1: a last line for machines; RPC=url,url: on these chains)
	@scripts/demo.sh $(if $(SOLANA),--solana) $(if $(JSON),--json) $(if $(RPC),--rpc '$(RPC)')

.PHONY: fuzz
fuzz: ## Runs each fuzz target for FUZZTIME (20s)
	scripts/fuzz.sh '$(FUZZTIME)'

.PHONY: tools
tools: ## Installs the pinned tools into the cache (scripts/tools.sh says where)
	scripts/tools.sh install

.PHONY: clean
clean: ## Removes what was built here; the tool cache stays
	rm -rf bin bench/out
	$(MAKE) -C $(CONTRACTS) clean
