package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/chronik/chronik/internal/bench/payload"
)

// Mode is which way records go.
type Mode string

// Modes. Produce is the default.
const (
	Produce  Mode = "produce"
	Consume  Mode = "consume"    // from the topic's start, up to its end as it was at first
	EndToEnd Mode = "end-to-end" // from when a record is due until it has been read
	Mixed    Mode = "mixed"      // produce, and read from the topic's start meanwhile
)

// sizeMax is less than clients put into a request, 100 MiB.
const sizeMax = 64 << 20

// Plan is what a run does. Check says whether it can.
type Plan struct {
	Mode     Mode
	WarmUp   time.Duration
	Duration time.Duration

	// Concurrency is the number of callers, which wait for their records.
	Concurrency int
	// Rate is records a second over all callers, or in Consume over all clients; 0: as fast
	// as they are acknowledged, or come.
	Rate float64
	// Async has records handed over without waiting, up to Buffered for each of Clients.
	Async    bool
	Clients  int
	Buffered int

	Transactional      bool
	TransactionRecords int // of each transaction

	Acks            int  // as in Kafka's protocol: -1, 0 or 1
	Idempotent      bool // transactional ones are, whatever this says
	InFlight        int  // requests a broker, where not idempotent
	DeliveryTimeout time.Duration
	Linger          time.Duration
	BatchBytes      int // 0: the client's own limits
	Compression     string
	Partitioner     string

	Shape payload.Shape
	Keys  payload.Keys
}

// Produces reports whether the plan's mode writes.
func (p *Plan) Produces() bool { return p.Mode != Consume }

// Check says what of a plan does not go together, in terms of the flags.
func (p *Plan) Check() error {
	switch p.Mode {
	case Produce, Consume, EndToEnd, Mixed:
	default:
		return fmt.Errorf("--mode %s: it is one of produce, consume, end-to-end and mixed", p.Mode)
	}
	switch {
	case p.Duration <= 0:
		return fmt.Errorf("--duration %s: nothing can be measured in no time", p.Duration)
	case p.WarmUp < 0:
		return fmt.Errorf("--warm-up %s: it is 0 or more", p.WarmUp)
	case p.Concurrency < 1:
		return fmt.Errorf("--concurrency %d: there is one caller at least", p.Concurrency)
	case p.Clients < 1:
		return fmt.Errorf("--clients %d: there is one at least", p.Clients)
	case p.Rate < 0:
		return fmt.Errorf("--rate %g: it is 0, for as fast as it goes, or more", p.Rate)
	case p.Buffered < 1:
		return fmt.Errorf("--buffered %d: a client needs room for one record at least", p.Buffered)
	case p.Linger < 0 || p.Linger > time.Minute:
		return fmt.Errorf("--linger %s: it is 0s to 1m", p.Linger)
	case p.BatchBytes < 0 || p.BatchBytes > sizeMax:
		return fmt.Errorf("--batch-size %d: it is 0, for the client's own, to %d", p.BatchBytes, sizeMax)
	case p.DeliveryTimeout < time.Second:
		return fmt.Errorf("--delivery-timeout %s: it is 1s or more", p.DeliveryTimeout)
	}
	if err := p.checkRecords(); err != nil {
		return err
	}
	return p.checkPromises()
}

// checkRecords looks at what records are like.
func (p *Plan) checkRecords() error {
	switch {
	case p.Shape.Size < 1:
		return fmt.Errorf("--message-size %d: a value has one byte at least", p.Shape.Size)
	case p.Shape.Size > sizeMax:
		return fmt.Errorf("--message-size %d: it is %d at most", p.Shape.Size, sizeMax)
	case p.Mode == EndToEnd && p.Shape.Size < payload.StampBytes:
		return fmt.Errorf("--mode end-to-end needs --message-size %d or more: values carry the time", payload.StampBytes)
	case p.Shape.Compressibility < 0 || p.Shape.Compressibility > 1:
		return fmt.Errorf("--compressibility %g: it is a share, 0 to 1", p.Shape.Compressibility)
	}
	if _, err := codec(p.Compression); err != nil {
		return err
	}
	_, err := partitioner(p.Partitioner, p.BatchBytes)
	return err
}

// checkPromises looks at what the cluster is asked to promise.
func (p *Plan) checkPromises() error {
	switch {
	case p.Acks < -1 || p.Acks > 1:
		return fmt.Errorf("--acks %d: it is -1, 0 or 1", p.Acks)
	case (p.Idempotent || p.Transactional) && p.Acks != -1:
		return errors.New("--idempotent and --transactional need --acks -1")
	case p.InFlight < 1:
		return fmt.Errorf("--max-in-flight %d: there is one request at least", p.InFlight)
	case !p.Transactional:
		return nil
	case p.TransactionRecords < 1:
		return fmt.Errorf("--transaction-records %d: a transaction has one at least", p.TransactionRecords)
	case p.Async || !p.Produces():
		return errors.New("--transactional goes neither with --async nor with --mode consume: leave one out")
	}
	return nil
}
