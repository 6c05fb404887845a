package bench

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/requirement"
	"github.com/chronik/chronik/internal/bench/result"
)

// Options are one run, and against what. Check says whether it can be.
type Options struct {
	Name        string // of the result
	Servers     []string
	TLS         *tls.Config // nil: servers are spoken to in the clear
	Topic       string
	Partitions  int  // where the topic is created; 0: the cluster's default
	Replication int  // the same
	Delete      bool // the topic afterwards, where this run has created it
	Plan        load.Plan
	Verify      bool
	Required    []requirement.Condition
	Settings    map[string]string // for the result

	// Early ends the run when it is closed: before the load at once, and during it with
	// what was measured until then.
	Early <-chan struct{}
	// Note is told what is being done, and Second how it goes; nil: nobody.
	Note   func(string)
	Second func(number int, sides []string, points []result.Point)
}

// Check says what cannot be, in terms of the command's flags.
func (o *Options) Check() error {
	switch {
	case len(o.Servers) == 0 || slices.Contains(o.Servers, ""):
		return errors.New("--bootstrap-servers: give the brokers' addresses, such as localhost:9092,localhost:9093")
	case o.Topic == "":
		return errors.New("--topic: give the topic a name")
	case o.Partitions < 0:
		return fmt.Errorf("--partitions %d: it is 0, for the cluster's default, or more", o.Partitions)
	case o.Replication < 0:
		return fmt.Errorf("--replication-factor %d: it is 0, for the cluster's default, or more", o.Replication)
	case o.Partitions > 1<<20 || o.Replication > 1<<10:
		return errors.New("--partitions, --replication-factor: no cluster takes so many")
	}
	if err := o.Plan.Check(); err != nil {
		return err
	}
	if o.Verify {
		if err := o.checkVerify(); err != nil {
			return err
		}
	}
	for _, c := range o.Required {
		if err := o.checkRequired(c); err != nil {
			return fmt.Errorf("--require %q: %w", c.Text(), err)
		}
	}
	return nil
}

func (o *Options) checkVerify() error {
	switch {
	case !o.Plan.Produces():
		return errors.New("--verify: --mode consume sends nothing that could be read back")
	case o.Plan.Acks == 0:
		return errors.New("--verify needs --acks 1 or -1: with 0 nothing is acknowledged, and nothing promised")
	case o.Plan.Shape.Size < payload.StampBytes:
		return fmt.Errorf("--verify needs --message-size %d or more: values carry a number and a checksum", payload.StampBytes)
	}
	return nil
}

// checkRequired refuses what the run would not measure.
func (o *Options) checkRequired(c requirement.Condition) error {
	sides := o.Plan.Mode.Sides()
	switch {
	case c.NeedsVerification() && !o.Verify:
		return errors.New("it is known with --verify only")
	case c.Side() != "" && !slices.Contains(sides, c.Side()):
		return fmt.Errorf("--mode %s has %s", o.Plan.Mode, strings.Join(sides, " and "))
	case c.NeedsLatency() && (c.Side() != "" && !load.Timed(c.Side()) || !slices.ContainsFunc(sides, load.Timed)):
		return errors.New("no latency is known of reading alone; --mode end-to-end measures that of records from when they were due until they were read")
	}
	return nil
}

// Held says what of a result is not as it was required, or not as the cluster has promised.
func (o *Options) Held(r *result.Result) error {
	var broken []string
	add := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if v := r.Verified; v != nil {
		if v.Missing > 0 {
			add("%d acknowledged records are missing", v.Missing)
		}
		if v.Damaged > 0 {
			add("%d records are damaged", v.Damaged)
		}
		if v.Duplicated > 0 && (o.Plan.Idempotent || o.Plan.Transactional) {
			add("%d records are there more than once, in spite of idempotence", v.Duplicated)
		}
	}
	for _, c := range r.Required {
		if !c.Held {
			add("%s did not hold: it was %.6g", c.Text, c.Value)
		}
	}
	if broken == nil {
		return nil
	}
	return errors.New(strings.Join(broken, "; "))
}
