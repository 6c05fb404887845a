# chronik's tasks. `make` alone lists them.

GOLANGCI_LINT_VERSION := v2.15.0

# How long each fuzz target runs, and how often the crash test kills the broker.
T ?= 10s
N ?= 5

# How many seeds the simulator runs: in all, and at most for each planted bug.
SEEDS ?= 2000

# How many states of the small cluster are visited.
STATES ?= 1000000

# What interop runs against (empty: a chronik-server of its own), and which suites.
BROKER ?=
SUITE ?=
DATA_DIR ?=

# How often each figure is taken.
RUNS ?= 5

# How often each kind of failure strikes, who measures it, and of what.
TRIALS ?= 20
CLIENT ?= both
TARGET ?= chronik

# How Kafka and chronik are compared (bin/chronik-bench compare --help).
ARGS ?=

# How much a node misses before it comes back, and a cold reader reads.
GIB ?= 10

# What is profiled, for how long, and where it is kept (empty: .cache/profile/SHAPE).
SHAPE ?= callers
LENGTH ?= 10
OUT ?=

# Which benchmarks run, how long each, and the commit that they are compared with.
BASE ?= HEAD
BENCH ?= .
BENCHTIME ?= 100ms

# Which scenarios put nodes under stress (empty: all), and what share of partitions,
# producers, connections and readers they have.
ONLY ?=
SHARE ?= 1

# What the fault harness runs: the first seed, how long each run is loaded, and which
# faults (empty: all).
SEED ?= 1
SECONDS ?= 60
FAULTS ?=

LINT := .cache/bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

.DEFAULT_GOAL := help
.PHONY: help build test race lint format interop acceptance failover catchup figures figures-many compare stress profile bench guard faults fuzz crash sim plants explore nightly apis metrics clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/chronik-server
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...

test: ## run the tests
	go test ./...

race: ## run the tests with the race detector
	go test -race -short ./...

format: ## format the sources
	gofmt -w cmd internal interop

lint: $(LINT) ## check the sources (golangci-lint, pinned; built on first use)
	@unformatted=$$(gofmt -l cmd internal interop); [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	$(LINT) run ./...

$(LINT):
	@mkdir -p $(@D)
	GOBIN=$(CURDIR)/.cache/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .cache/bin/golangci-lint $@

interop: build ## run Kafka's tools and other clients against chronik: BROKER=host:port SUITE=name,name
	go run ./interop -server bin/chronik-server -broker '$(BROKER)' -suite '$(SUITE)' -data-dir '$(DATA_DIR)'

acceptance: build ## go through what three nodes must do, step by step, with Kafka's tools
	go run ./interop/acceptance -server bin/chronik-server

failover: build ## measure how long clients are held up when a node dies, is paused, restarts: TRIALS=20 CLIENT=java|franz|both TARGET=chronik|kafka
	go run ./interop/failover -server bin/chronik-server -trials $(TRIALS) -client '$(CLIENT)' -target '$(TARGET)'

catchup: build ## measure a node that comes back and has missed a lot, and clients meanwhile: GIB=10
	go run ./interop/catchup -server bin/chronik-server -gib $(GIB)

figures: build ## measure start, idle memory and CPU, connections, commits, of one node and of three: RUNS=5
	go run ./interop/figures -server bin/chronik-server -runs $(RUNS)

# 10,000 partitions take 11,112 open files a node.
figures-many: build ## measure three nodes with 10,000 partitions × 3, and metadata of 1,000,000 partitions in a process
	go run ./interop/figures/many -server bin/chronik-server
	go run ./interop/figures/metadata

compare: build ## measure Apache Kafka and chronik in turn, three nodes each, on a machine with nothing else to do: ARGS="--turns 3 --only one,small"
	bin/chronik-bench compare --report docs/benchmark.html --table docs/benchmark.md $(ARGS)

# The system calls take strace, and leave to trace: without, /proc says less.
profile: build ## load three nodes, and print what a batch costs them and where: SHAPE=callers|large|small|one|consume LENGTH=10 OUT=dir
	go run ./interop/profile -server bin/chronik-server -shape $(SHAPE) -seconds $(LENGTH) -out '$(OUT)'

bench: ## run the benchmarks, briefly, with what they allocate: BENCH=regexp BENCHTIME=100ms
	go test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem ./cmd/... ./internal/...

guard: RUNS = 6
guard: ## compare the benchmarks with those of another commit, and fail where one is slower or allocates more: BASE=commit BENCH=regexp RUNS=6 BENCHTIME=100ms
	go run ./interop/guard -base '$(BASE)' -bench '$(BENCH)' -runs $(RUNS) -benchtime $(BENCHTIME)

# With 30 GiB of disk for cold, and room for some 20,000 open files.
stress: SECONDS = 20
stress: build ## put three nodes under stress, and count what they keep: ONLY=name,name SECONDS=20 GIB=10 SHARE=1 TARGET=chronik|kafka
	go run ./interop/stress -server bin/chronik-server -bench bin/chronik-bench -only '$(ONLY)' -seconds $(SECONDS) -gib $(GIB) -share $(SHARE) -target '$(TARGET)'

# As root. Installs what it needs: nftables, iproute2, Java, Kafka's jars.
faults: RUNS = 10
faults: build ## strike clusters of real processes: RUNS=10 SEED=1 SECONDS=60 TARGET=chronik|kafka FAULTS=name,name
	go build -o .cache/bin/faults ./interop/faults
	.cache/bin/faults -target $(TARGET) -server bin/chronik-server -runs $(RUNS) -seed $(SEED) -length $(SECONDS)s -faults '$(FAULTS)'

fuzz: ## run every fuzz target for a while: T=10s
	.ci/fuzz '$(T)'

crash: ## kill -9 a broker under load and compare what it kept: N=5
	@go test ./internal/brokertest -list '^TestCrash' | grep '^TestCrash' || { echo 'no crash test'; exit 1; }
	go test ./internal/brokertest -run '^TestCrash' -count=1 -v -timeout 60m -args -crash.rounds=$(N)

sim: ## run seeded clusters in virtual time, and look for broken promises: SEEDS=2000
	go run ./cmd/chronik-sim -seeds $(SEEDS)

# One of the mistakes, last-record-epoch-compared, is first found at seed 6,668.
plants: SEEDS = 20000
plants: ## plant each protocol mistake, and run seeds until it is found: SEEDS=20000
	go run -tags plant ./cmd/chronik-sim -plants -seeds $(SEEDS)

explore: ## visit all states of a small cluster, breadth first: STATES=1000000
	go run ./cmd/chronik-explore -states $(STATES)
	go run ./cmd/chronik-explore -states $(STATES) -records 1 -crashes 1 -losses 1 -elections 1 -changes 0 -configs 0 -breaks 0 -delays 3

nightly: ## what takes hours: crashes, faults, simulated clusters, planted bugs, states of a small cluster
	$(MAKE) crash N=50
	$(MAKE) faults RUNS=50 SEED=$$(date +%s)
	go run ./cmd/chronik-sim -minutes 60 -from $$(date +%s)00000
	$(MAKE) plants
	go run ./cmd/chronik-explore -states 1000000000 -minutes 60 -memory 12
	$(MAKE) fuzz T=1m

apis: ## write docs/apis.md anew from the table of APIs
	go test ./internal/api -run '^TestApisDoc' -count=1 -args -update

metrics: ## write docs/metrics.md anew from the list of metrics
	go test ./internal/metrics -run '^TestMetricsDoc' -count=1 -args -update

clean: ## remove what was built and installed
	rm -rf bin .cache
