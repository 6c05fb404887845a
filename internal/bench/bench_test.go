package bench

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/chronik/chronik/internal/bench/load"
	"github.com/chronik/chronik/internal/bench/payload"
	"github.com/chronik/chronik/internal/bench/requirement"
	"github.com/chronik/chronik/internal/bench/result"
	"github.com/chronik/chronik/internal/brokertest"
	"github.com/chronik/chronik/internal/certificate/certtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options are a run that reads back what it wrote. It ends after the first second in which
// every side of it has got somewhere.
func options(b *brokertest.Broker, topic string) Options {
	early, ended := make(chan struct{}), false
	return Options{
		Early: early,
		Second: func(_ int, _ []string, points []result.Point) {
			idle := slices.ContainsFunc(points, func(p result.Point) bool { return p.Records == 0 })
			if !idle && !ended {
				ended = true
				close(early)
			}
		},
		Name: "test", Servers: []string{b.Addr}, Topic: topic, Partitions: 3, Verify: true,
		Plan: load.Plan{
			Mode: load.Produce, WarmUp: 50 * time.Millisecond, Duration: time.Hour, Concurrency: 16, Clients: 1, Buffered: 1000,
			Acks: -1, InFlight: 5, DeliveryTimeout: 30 * time.Second, TransactionRecords: 10, Compression: "none", Partitioner: "sticky",
			Shape: payload.Shape{Size: 100, Pattern: payload.Random},
		},
	}
}

// measure runs checked options.
func measure(t *testing.T, o Options) *result.Result {
	t.Helper()
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	r, err := Run(brokertest.Context(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Everything that a run does is done over TLS, where that is how servers are reached.
func TestRunOverTLS(t *testing.T) {
	authority := certtest.NewAuthority(t, "ca")
	pair := authority.Issue(t, pkix.Name{CommonName: "node"})
	b := brokertest.Start(t, t.TempDir(), "listeners=SSL://127.0.0.1:0",
		"ssl.keystore.location="+certtest.Write(t, t.TempDir(), "node.pem", pair.Certificate, pair.Key))
	o := options(b, "secured")
	o.TLS = &tls.Config{RootCAs: authority.Pool()}
	o.Plan.Mode, o.Plan.Rate = load.EndToEnd, 50
	if v := measure(t, o).Verified; v == nil || v.Missing != 0 || v.Damaged != 0 {
		t.Errorf("verified: %+v", v)
	}
}

// TestEveryWayOfWriting is measured until it is ended early, and everything that was
// acknowledged is there.
func TestEveryWayOfWriting(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	for name, change := range map[string]func(*load.Plan){
		"callers":      func(*load.Plan) {},
		"clients":      func(p *load.Plan) { p.Clients = 3 },
		"flood":        func(p *load.Plan) { p.Async = true },
		"floods":       func(p *load.Plan) { p.Async, p.Clients = true, 2 },
		"idempotent":   func(p *load.Plan) { p.Async, p.Idempotent = true, true },
		"leader":       func(p *load.Plan) { p.Acks = 1 },
		"rate":         func(p *load.Plan) { p.Rate = 50 },
		"end-to-end":   func(p *load.Plan) { p.Mode, p.Rate = load.EndToEnd, 50 },
		"mixed":        func(p *load.Plan) { p.Mode = load.Mixed },
		"text by zstd": func(p *load.Plan) { p.Shape, p.Compression = payload.Shape{Size: 100, Pattern: payload.Text}, "zstd" },
		"round robin":  func(p *load.Plan) { p.Partitioner, p.Linger, p.BatchBytes = "round-robin", time.Millisecond, 4096 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(b, strings.ReplaceAll(name, " ", "-"))
			change(&o.Plan)
			r := measure(t, o)
			for i, side := range o.Plan.Mode.Sides() {
				if r.Sides[i].Name != side || r.Sides[i].Records == 0 || len(r.Sides[i].Errors) != 0 {
					t.Errorf("side %s: %d records, errors %v", r.Sides[i].Name, r.Sides[i].Records, r.Sides[i].Errors)
				}
			}
			if v := r.Verified; v.Missing+v.Damaged+v.Duplicated != 0 || v.Read != v.Acknowledged || v.Acknowledged < r.Sides[0].Records {
				t.Errorf("%d records, %+v", r.Sides[0].Records, v)
			}
			if r.Cluster.Partitions != 3 || r.Cluster.Brokers != 1 || r.Seconds < 1 {
				t.Errorf("%+v, %g s", r.Cluster, r.Seconds)
			}
			if most := o.Plan.Rate * (r.Seconds + r.WarmUp); most != 0 && r.Sides[0].Records > int64(most)+1 {
				t.Errorf("%d records at %g a second in %g s", r.Sides[0].Records, o.Plan.Rate, r.Seconds)
			}
			if err := o.Held(r); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestConsumeReadsWhatIsThere, from the start to the end, and no longer than that takes.
func TestConsumeReadsWhatIsThere(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	o := options(b, "t")
	written := measure(t, o)
	o.Verify, o.Partitions, o.Early, o.Second = false, 0, nil, nil
	o.Plan.Mode, o.Plan.WarmUp, o.Plan.Duration, o.Plan.Clients = load.Consume, 0, time.Minute, 2
	r := measure(t, o)
	if got, want := r.Sides[0].Records, written.Verified.Acknowledged; got != want || r.Sides[0].Bytes != want*100 || r.Seconds > 30 {
		t.Errorf("%d records read in %g s, %d written", got, r.Seconds, want)
	}
	const seconds = 0.5 // at a rate: no sooner, and all the same
	o.Plan.Rate = float64(written.Verified.Acknowledged) / seconds
	if r := measure(t, o); r.Sides[0].Records != written.Verified.Acknowledged || r.Seconds < seconds {
		t.Errorf("at %g/s %d records read in %g s, %d written", o.Plan.Rate, r.Sides[0].Records, r.Seconds, written.Verified.Acknowledged)
	}
}

// TestWhatIsLostIsMissed: the first records of a partition are deleted after the load, one
// is written again, and one is damaged.
func TestWhatIsLostIsMissed(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	o := options(b, "t")
	o.Partitions, o.Plan.Idempotent = 1, true
	var lost int64
	o.Note = func(text string) {
		if strings.HasPrefix(text, "reading back") {
			lost = sabotage(t, b, o.Topic)
		}
	}
	r := measure(t, o)
	if v := r.Verified; v.Missing != lost || v.Duplicated != 1 || v.Damaged != 1 || v.Read != v.Acknowledged-lost+2 {
		t.Errorf("%d lost, one doubled, one damaged: %+v", lost, v)
	}
	err := o.Held(r)
	for _, what := range []string{"3 acknowledged records are missing", "1 records are damaged", "1 records are there more than once"} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %s", err, what)
		}
	}
}

// sabotage deletes the first records of partition 0, and writes the next one twice again,
// once with a bit flipped. It returns how many are lost.
func sabotage(t *testing.T, b *brokertest.Broker, topic string) int64 {
	ctx := brokertest.Context(t)
	const lost = 3
	c := b.Client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(lost)}}))
	first := c.PollFetches(ctx).Records()[0]
	flipped := slices.Clone(first.Value)
	flipped[50] ^= 1
	for _, value := range [][]byte{first.Value, flipped} {
		if err := c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kadm.NewClient(c).DeleteRecords(ctx, kadm.Offsets{topic: {0: {Topic: topic, Partition: 0, At: lost}}}); err != nil {
		t.Fatal(err)
	}
	return lost
}

// TestATopicIsDeletedOnlyByWhoMadeIt, and asked to.
func TestATopicIsDeletedOnlyByWhoMadeIt(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	for _, c := range []struct {
		topic           string
		before, deletes bool
		there           bool
	}{{"kept", false, false, true}, {"another's", true, true, true}, {"ours", false, true, false}} {
		o := options(b, strings.ReplaceAll(c.topic, "'", "-"))
		admin := kadm.NewClient(b.Client())
		if c.before {
			if _, err := admin.CreateTopic(t.Context(), 3, 1, nil, o.Topic); err != nil {
				t.Fatal(err)
			}
		}
		o.Delete = c.deletes
		measure(t, o)
		topics, err := admin.ListTopics(t.Context())
		if err != nil || topics.Has(o.Topic) != c.there {
			t.Errorf("%s: there %t, %v", c.topic, topics.Has(o.Topic), err)
		}
	}
}

// TestWhatCannotBeMeasured is said in a sentence with the flag to change.
func TestWhatCannotBeMeasured(t *testing.T) {
	b := brokertest.Start(t, t.TempDir())
	measure(t, options(b, "three"))
	ended := make(chan struct{})
	close(ended)
	for want, change := range map[string]func(*Options){
		"--transactional: not all brokers of this cluster serve": func(o *Options) { o.Plan.Transactional = true },
		"--partitions 4: topic three is there already, with 3":   func(o *Options) { o.Topic, o.Partitions = "three", 4 },
		"INVALID_REPLICATION_FACTOR":                             func(o *Options) { o.Topic, o.Replication = "new", 3 },
		"there is no such topic": func(o *Options) {
			o.Plan.Mode, o.Verify, o.Topic = load.Consume, false, "none"
		},
		"interrupted before anything was measured": func(o *Options) { o.Early = ended },
	} {
		o := options(b, "t")
		change(&o)
		if err := o.Check(); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if r, err := Run(brokertest.Context(t), o); r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want %s", r, err, want)
		}
	}
}

// TestNobodyAnswers where nothing listens.
func TestNobodyAnswers(t *testing.T) {
	o := options(&brokertest.Broker{Addr: "127.0.0.1:" + brokertest.FreePort(t)}, "t")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := Run(ctx, o); err == nil {
		t.Error("it was measured")
	}
}

// TestWrongOptionsAreRefused, with the flag to change.
func TestWrongOptionsAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"--bootstrap-servers":  func(o *Options) { o.Servers = nil },
		"--topic":              func(o *Options) { o.Topic = "" },
		"--partitions":         func(o *Options) { o.Partitions = -1 },
		"--replication-factor": func(o *Options) { o.Replication = -1 },
		"--mode":               func(o *Options) { o.Plan.Mode = "both" },
		"--duration":           func(o *Options) { o.Plan.Duration = 0 },
		"--warm-up":            func(o *Options) { o.Plan.WarmUp = -1 },
		"--concurrency":        func(o *Options) { o.Plan.Concurrency = 0 },
		"--clients":            func(o *Options) { o.Plan.Clients = 0 },
		"--rate":               func(o *Options) { o.Plan.Rate = -1 },
		"--buffered":           func(o *Options) { o.Plan.Buffered = 0 },
		"--linger":             func(o *Options) { o.Plan.Linger = time.Hour },
		"--batch-size":         func(o *Options) { o.Plan.BatchBytes = -1 },
		"--delivery-timeout":   func(o *Options) { o.Plan.DeliveryTimeout = 0 },
		"--message-size 0":     func(o *Options) { o.Plan.Shape.Size = 0 },
		"--message-size 1":     func(o *Options) { o.Plan.Shape.Size = 1 << 30 },
		"--compressibility":    func(o *Options) { o.Plan.Shape.Compressibility = 2 },
		"--compression":        func(o *Options) { o.Plan.Compression = "rar" },
		"--partitioner":        func(o *Options) { o.Plan.Partitioner = "none" },
		"--acks 2":             func(o *Options) { o.Plan.Acks = 2 },
		"--max-in-flight":      func(o *Options) { o.Plan.InFlight = 0 },
		"--idempotent":         func(o *Options) { o.Plan.Idempotent, o.Plan.Acks = true, 1 },
		"--transactional":      func(o *Options) { o.Plan.Transactional, o.Plan.Async = true, true },
		"--transaction-records": func(o *Options) {
			o.Plan.Transactional, o.Plan.TransactionRecords = true, 0
		},
		"--mode end-to-end needs --message-size": func(o *Options) {
			o.Plan.Mode, o.Plan.Shape.Size = load.EndToEnd, 10
		},
		"--verify needs --message-size":  func(o *Options) { o.Plan.Shape.Size = 10 },
		"--verify needs --acks":          func(o *Options) { o.Plan.Acks = 0 },
		"--verify: --mode consume":       func(o *Options) { o.Plan.Mode = load.Consume },
		`--require "missing=0": it is`:   func(o *Options) { o.Verify, o.Required = false, require("missing=0") },
		`--require "consume.errors=0": `: func(o *Options) { o.Required = require("consume.errors=0") },
		`--require "p99<1s": no latency`: func(o *Options) {
			o.Verify, o.Plan.Mode, o.Required = false, load.Consume, require("p99<1s")
		},
	} {
		o := options(&brokertest.Broker{Addr: "localhost:9092"}, "t")
		change(&o)
		if err := o.Check(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func require(text string) []requirement.Condition {
	c, err := requirement.Parse(text)
	if err != nil {
		panic(err)
	}
	return c
}
