package load

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik/chronik/internal/bench/measure"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/verify"
)

// Names of the sides.
const (
	sideProduce  = "produce"
	sideConsume  = "consume" // without latencies
	sideEndToEnd = "end-to-end"
)

// Sides are the names of the sides of the traffic that a mode has.
func (m Mode) Sides() []string {
	switch m {
	case Consume:
		return []string{sideConsume}
	case Mixed:
		return []string{sideProduce, sideConsume}
	case EndToEnd:
		return []string{sideProduce, sideEndToEnd}
	default:
		return []string{sideProduce}
	}
}

// Timed reports whether a side has latencies.
func Timed(side string) bool { return side != sideConsume }

// openWriters makes the plan's writers, and their clients.
func (r *run) openWriters() error {
	if !r.Plan.Produces() {
		return nil
	}
	side := r.collectors[0]
	r.turns = &turns{timekeeper: r.timekeeper, rate: r.Plan.Rate}
	writers := r.Plan.Clients
	if !r.Plan.Async && !r.Plan.Transactional {
		writers = r.Plan.Concurrency
	}
	r.ledger = verify.NewLedger(writers)
	var clients []*kgo.Client
	for i := range min(r.Plan.Clients, writers) {
		c, err := r.openProducer(i, writers)
		if err != nil {
			return err
		}
		clients = append(clients, c)
	}
	for i := range writers {
		r.addWriter(side, clients[i%len(clients)], i)
	}
	return nil
}

func (r *run) openProducer(i, writers int) (*kgo.Client, error) {
	buffered := writers
	switch {
	case r.Plan.Async:
		buffered = r.Plan.buffered()
	case r.Plan.Transactional:
		buffered = r.Plan.TransactionRecords
	}
	opts, err := r.Plan.producer(r.Topic, buffered)
	if err != nil {
		return nil, err
	}
	if r.Plan.Transactional {
		opts = append(opts, kgo.TransactionalID(fmt.Sprintf("chronik-bench-%016x-%d", r.Run, i)))
	}
	return r.client(opts...)
}

func (r *run) addWriter(side *measure.Collector, to *kgo.Client, i int) {
	w := writer{
		turns: r.turns, to: to, recorder: side.Recorder(), page: r.ledger.Page(i),
		maker: payload.NewMaker(r.Plan.Shape, r.Plan.Keys, r.Run, uint64(i+1)),
	}
	switch {
	case r.Plan.Async:
		r.writers = append(r.writers, newFlood(w, r.Plan.buffered()))
	case r.Plan.Transactional:
		r.writers = append(r.writers, newTransactions(w, to, r.Plan.TransactionRecords))
	default:
		r.writers = append(r.writers, newCaller(w))
	}
}

// openReaders makes the plan's sides, and its readers with their clients.
func (r *run) openReaders() error {
	if r.Plan.Produces() {
		r.side(sideProduce)
	}
	switch r.Plan.Mode {
	case Consume:
		side, together := r.side(sideConsume), &pace{rate: r.Plan.Rate}
		for i := range r.Plan.Clients {
			if err := r.addReader(side, r.Starts, func(partition int32) bool { return int(partition)%r.Plan.Clients == i }, together); err != nil {
				return err
			}
		}
	case Mixed:
		return r.addReader(r.side(sideConsume), r.Starts, anyPartition, new(pace))
	case EndToEnd:
		return r.addReader(r.side(sideEndToEnd), r.Ends, anyPartition, new(pace))
	case Produce:
	}
	return nil
}

func anyPartition(int32) bool { return true }

// addReader adds a reader of the partitions that are wanted, from the offsets given.
func (r *run) addReader(side *measure.Collector, from map[int32]int64, wanted func(int32) bool, together *pace) error {
	offsets := map[int32]kgo.Offset{}
	added := &reader{timekeeper: r.timekeeper, recorder: side.Recorder(), run: r.Run, stamped: r.Plan.Mode == EndToEnd, pace: together}
	if r.Plan.Mode == Consume {
		added.ends = map[int32]int64{}
	}
	for partition, offset := range from {
		if !wanted(partition) || r.Plan.Mode == Consume && offset == r.Ends[partition] {
			continue
		}
		offsets[partition] = kgo.NewOffset().At(offset)
		if added.ends != nil {
			added.ends[partition] = r.Ends[partition]
		}
	}
	if len(offsets) == 0 {
		return nil // more clients than partitions, or nothing in these
	}
	opts := []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.Topic: offsets})}
	if r.Plan.Mode == Consume {
		opts = append(opts, kgo.KeepControlRecords()) // the last offset may be one's
	}
	if r.Plan.Transactional {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	client, err := r.client(opts...)
	if err != nil {
		return err
	}
	added.client = client
	r.readers = append(r.readers, added)
	return nil
}
