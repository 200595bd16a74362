# Every target is one plain command that can be typed instead.
SHELL := /bin/sh
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The race detector needs a C compiler; without one the tests run without it.
RACE ?= $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

.DEFAULT_GOAL := help
.PHONY: help demo serve test chaos check bench bench-calls bench-day fuzz vuln build

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## see the problem happen and be repaired; stays up until Ctrl-C
	@./bin/latchkey demo

serve: build ## run against real Zoom; docs/zoom-setup.md says what it needs
	@./bin/latchkey serve

test: ## all tests, on a real Postgres and a real NATS server that they start themselves
	go test $(RACE) -count=1 -timeout 10m ./...

# SEED repeats a plan; ROUNDS is how long it goes on, about 2 seconds each.
ROUNDS ?= 30
chaos: ## real processes, killed and cut off at random; SEED=… ROUNDS=…, docs/reliability.md
	go run ./internal/chaos/cmd -rounds $(ROUNDS) $(if $(SEED),-seed $(SEED))

check: ## formatting, vet and staticcheck
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

bench: ## the benchmarks; docs/performance.md explains them
	go test -run '^$$' -bench . -benchmem ./internal/passcode ./internal/webhook ./bench

# Package and target; a test compares them with those that there are.
FUZZ := webhook:FuzzReceive zoom:FuzzDecodeEnvelope zoom:FuzzDecodeMeeting zoom:FuzzDecodePeople zoom:FuzzDecodeSettings zoom:FuzzAnswers \
	config:FuzzEnvironment config:FuzzPolicyFile invite:FuzzRead lint:FuzzJudge bus:FuzzToken
FUZZTIME ?= 60s

bench-calls: ## what each case costs in calls to Zoom, beside a script; fails where a target is missed
	@go run ./bench/calls; s=$$?; echo "an idle day of 10 000 hosts and 100 000 meetings:"; \
	go test -timeout 1h -v -count=1 -run TestIdleDay ./bench/day -size 1 -hours 24 || s=1; exit $$s

SIZE ?= 1
bench-day: ## a day of an account of 10 000 hosts in virtual time; SIZE=10 for ten times as many
	go test -timeout 5h -v -count=1 ./bench/day -size $(SIZE) -hours 24

fuzz: ## each fuzz target for a minute
	@for f in $(FUZZ); do echo "$${f#*:}"; go test -run '^$$' -fuzz "^$${f#*:}\$$" -fuzztime $(FUZZTIME) ./internal/$${f%:*} || exit 1; done

vuln: ## known vulnerabilities in what is linked; asks vuln.go.dev, or GOVULNDB
	@go tool govulncheck $(if $(GOVULNDB),-db $(GOVULNDB)) ./... || { s=$$?; [ $$s = 3 ] || echo "make vuln: nothing was checked: is the database of vulnerabilities within reach?" >&2; exit $$s; }

build: ## build the commands into bin/
	@go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...
