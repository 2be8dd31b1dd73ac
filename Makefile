# What a contributor runs. Everything works from a clean clone; nothing is written outside
# of it but Go's caches and, by `make test` as root, Debian packages.
SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.NOTPARALLEL:
.ONESHELL:

export PATH := $(PATH):/usr/sbin:/sbin

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
# Tests run a real MQTT broker and a TPM emulator, and record what passes on the node's ports, and let another make of XML judge bank messages; the race detector needs a C compiler.
PACKAGES    := mosquitto gcc libc6-dev swtpm swtpm-tools tshark libxml2-utils
# Inputs that make fuzz tries on each target, five minutes at most with compiling.
FUZZRUNS    := 5000
# Seeds of the simulation, 500 messages each: about ten seconds on two idle cores.
SIMSEEDS    := 60
TESTS       := ./...

.PHONY: help demo test check packages fmt vet staticcheck vulncheck tidy generate fuzz interop simulate race bench

help:
	@echo "make demo    the whole story on embedded data (needs Go, git, make)"
	echo "make test    installs what tests need if it may, then check"
	echo "make check   gofmt, vet, staticcheck, govulncheck, mod tidy, generate, fuzz smoke, other makes of witness, simulations, tests with -race"
	echo "make simulate  the ledger in a world that misbehaves, seed by seed"
	echo "make bench   short benchmarks"

demo:
	@go run ./cmd/aval demo

test: packages check

check: fmt vet staticcheck vulncheck tidy generate fuzz interop simulate race

# With CI=true nothing may be skipped: a missing package fails here, a skipped test fails in race.
packages:
	@echo "== packages: $(PACKAGES)"
	missing() { command -v mosquitto >/dev/null || echo mosquitto; command -v gcc >/dev/null || echo gcc libc6-dev; command -v swtpm_localca >/dev/null || echo swtpm swtpm-tools; command -v tshark >/dev/null || echo tshark; command -v xmllint >/dev/null || echo libxml2-utils; }
	if [ -n "$$(missing)" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		export DEBIAN_FRONTEND=noninteractive
		timeout 300 apt-get update -qq && timeout 600 apt-get install -y -qq --no-install-recommends $$(missing) || true
	fi
	if [ -z "$$(missing)" ]; then exit 0; fi
	echo "not installed:" $$(missing) "(without mosquitto or swtpm the tests against that broker or TPM are skipped, without tshark nothing is recorded, without xmllint bank messages are not held against their schemas; without gcc, the race detector)"
	[ "$${CI:-}" != true ]

fmt:
	@echo "== gofmt"
	unformatted=$$(gofmt -l .)
	if [ -n "$$unformatted" ]; then echo "not formatted:" $$unformatted; exit 1; fi

vet:
	@echo "== go vet"
	go vet ./...

staticcheck:
	@echo "== $(STATICCHECK)"
	go run $(STATICCHECK) ./...

# The database of vulnerabilities is on the network. Where it cannot be reached, say so.
vulncheck:
	@echo "== $(GOVULNCHECK)"
	out=$$(timeout 600 go run $(GOVULNCHECK) ./... 2>&1) && { echo "$$out"; exit 0; }
	echo "$$out"
	if grep -q 'fetching vulnerabilities: Get' <<<"$$out"; then
		echo "NOT CHECKED: the vulnerability database cannot be reached from here"
		exit 0
	fi
	exit 1

tidy:
	@echo "== go mod tidy -diff"
	go mod tidy -diff

# Generated files must be what go generate makes of their sources now.
generate:
	@echo "== go generate"
	tree() { git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null || true; }
	before=$$(tree)
	go generate ./...
	if ! diff <(echo "$$before") <(tree); then echo "go generate changes these files: commit them"; exit 1; fi

# Each fuzz target of the repository, FUZZRUNS times. Counted, not timed: go test reports a
# deadline that falls into a run as a failure.
fuzz:
	@targets=$$(grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sort | sed 's|/[^/]*:func |:|')
	echo "== fuzz: $$(wc -l <<<"$$targets") targets, $(FUZZRUNS) runs each"
	for target in $$targets; do
		dir=$${target%%:*} name=$${target##*:}
		out=$$(timeout 300 go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZRUNS)x -fuzzminimizetime 10x $$dir 2>&1) || { echo "$$out"; exit 1; }
		echo "$$name $$dir: $$(grep -o 'execs: [0-9]*' <<<"$$out" | tail -1)"
	done

# Both ends of the witness protocol against other makes, in a module of its own that holds what they need.
interop:
	@echo "== interop: ledger/witness/interop"
	cd ledger/witness/interop && go vet -mod=mod ./... && go test -mod=mod ./...

simulate:
	@echo "== simulate: $(SIMSEEDS) seeds"
	out=$$(go test -count 1 -timeout 10m -run 'TestSimulation$$' -v ./ledger -sim.seeds $(SIMSEEDS) -sim.commands 500) || { echo "$$out"; exit 1; }
	grep 'seeds in' <<<"$$out"

# Verbose output goes to a file, to know what was skipped; results and failures are shown.
# TestChild... is by name the child process of another test, and has nothing to do without it.
race:
	@race=-race
	command -v gcc >/dev/null || { race=; echo "no gcc: without the race detector"; }
	log=$$(mktemp)
	trap 'rm -f $$log' EXIT
	echo "== go test $$race $(TESTS)"
	status=0
	go test $$race -v -timeout 10m $(TESTS) >$$log 2>&1 || status=$$?
	skipped=$$(grep -E '^ *--- SKIP' $$log | grep -v -- '--- SKIP: TestChild' || true)
	[ $$status = 0 ] || grep -vE '^ *(=== |--- PASS|PASS$$)' $$log
	if [ -n "$$skipped" ]; then
		echo "skipped:"
		echo "$$skipped"
		if [ "$${CI:-}" = true ]; then echo "CI skips nothing"; status=1; fi
	fi
	grep -E '^(ok|FAIL|\?)\s' $$log || true
	exit $$status

bench:
	@go test -run '^$$' -bench . -benchmem -benchtime 200ms ./...
