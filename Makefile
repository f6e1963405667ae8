# Lockstep's workbench. `make` alone lists the targets.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

LINT_VERSION := 2.15.0
LINT         := .cache/bin/golangci-lint-$(LINT_VERSION)
VERSION      := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# The race detector needs a C compiler; without one the tests run without it.
RACE ?= $(if $(shell command -v gcc),-race)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/lockstep, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/lockstep .

.PHONY: setup
setup: ## install HAProxy when it is missing, and check that Docker answers
	@.ci/setup

.PHONY: test
test: setup ## set up, vet, and run every test, the end-to-end ones included
	go vet ./...
	go test $(RACE) -timeout 20m $$(go list ./... | grep -v '/e2e')
	go test -count=1 -timeout 30m -parallel 6 ./e2e/...

.PHONY: e2e
e2e: setup ## run the end-to-end tests alone; SCRIPT=name picks one
	go test -count=1 -timeout 30m -parallel 6 ./e2e/... $(if $(SCRIPT),-v -run 'TestScripts/^$(SCRIPT)$$')

.PHONY: compat
compat: ## run HAProxy's tests with newer versions of it; SUITES="trixie ..." picks them, ARGS="-run ..." tests
	@.ci/compat $(ARGS)

.PHONY: test-brokers
test-brokers: setup ## RabbitMQ, PostgreSQL and Redis behind HAProxy, replaced under their clients; makes an image once, as root
	@.ci/brokers $(ARGS)

.PHONY: test-kong
test-kong: setup ## every test that talks to Kong, on the one at KONG_ADMIN_URL and KONG_PROXY_URL
	go test -count=1 -parallel 1 -timeout 60m ./reconcilers/kong $(ARGS)
	go test -count=1 -parallel 1 -timeout 60m ./e2e $(ARGS)

.PHONY: soak
soak: setup ## the stories about load for long: 50 replacements, 200 containers at random; 15 minutes
	LOCKSTEP_SOAK=1 go test -count=1 -timeout 40m -parallel 1 ./e2e -v -run 'TestScripts/^(rolling|drained|reloads|churn)$$'

.PHONY: bench
bench: setup build ## measure latency, lost requests and cost at 10,000 containers
	go run ./e2e/bench -binary bin/lockstep $(ARGS)

.PHONY: bench-kong
bench-kong: ## measure what Lockstep costs at Kong's Admin API beside bare requests; the stand-in, or KONG_ADMIN_URL
	go run ./e2e/kongbench $(ARGS)

.PHONY: demo
demo: setup build ## see it work, in half a minute; KEEP=1 leaves it running
	bin/lockstep demo $(if $(KEEP),--keep)

.PHONY: lint
lint: $(LINT) ## run golangci-lint with .golangci.yml
	$(LINT) run ./...

.PHONY: fmt
fmt: $(LINT) ## format the code
	$(LINT) fmt ./...

# A golangci-lint of the right version that is already here is used as it is;
# otherwise it is built through the Go module proxy, which takes some minutes, once.
$(LINT):
	@mkdir -p $(@D)
	@for found in "$$(command -v golangci-lint || true)" "$$(go env GOPATH)/bin/golangci-lint"; do \
	  if [ -x "$$found" ] && "$$found" version 2>/dev/null | grep -qw 'version v\?$(LINT_VERSION)'; then \
	    ln -sf "$$found" $@; exit 0; \
	  fi; \
	done; \
	echo "building golangci-lint $(LINT_VERSION), once"; \
	GOBIN="$(CURDIR)/$(@D)" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION); \
	mv $(@D)/golangci-lint $@

.PHONY: generate
generate: ## remake what is made from the code: reference pages, schemas
	go generate ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin .cache
