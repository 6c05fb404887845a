package load

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func callers(w writer) interface{ run(context.Context) } { return newCaller(w) }

func floods(w writer) interface{ run(context.Context) } { return newFlood(w, 100) }

// TestAStallIsFeltByAllWhoCallDuringIt: at 100 records a second, a cluster that says nothing
// for 2 s of 10 holds up 200 of 1,000, by 1 s on average, even though a single caller had to
// wait for one record only. Without a rate nobody would have called, and there is one.
func TestAStallIsFeltByAllWhoCallDuringIt(t *testing.T) {
	for name, c := range map[string]struct {
		rate     float64
		start    func(writer) interface{ run(context.Context) }
		p90, p50 float64 // milliseconds, at least
	}{
		"a caller":              {100, callers, 900, 1},
		"a flood":               {100, floods, 900, 1},
		"a caller without rate": {0, callers, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newFakeCluster(t)
				cluster.stall = [2]time.Time{time.Now().Add(4 * time.Second), time.Now().Add(6 * time.Second)}
				s := play(t, Plan{Duration: 10 * time.Second, Rate: c.rate}, 1, cluster, c.start)
				side := s.collector.Side(sideProduce)
				if l := side.Latency; l.P90 < c.p90 || l.P90 > 1.3*c.p90 || l.P50 < c.p50 || l.P50 > c.p50+0.1 || l.Max < 1990 || l.Max > 2001 {
					t.Errorf("p50 %g, p90 %g, max %g ms", l.P50, l.P90, l.Max)
				}
				if want := int64(c.rate * 10); want != 0 && (side.Records < want-1 || side.Records > want) {
					t.Errorf("%d records, want %d", side.Records, want)
				}
				if got := s.ledger.Acknowledged(); got < side.Records || got > side.Records+100 {
					t.Errorf("%d counted, %d in the ledger", side.Records, got)
				}
			})
		})
	}
}

// TestWhatCannotBeSentInTimeIsCounted, instead of being left out: one caller manages 1,000
// records a second, and is asked for 2,000.
func TestWhatCannotBeSentInTimeIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t, Plan{WarmUp: 2 * time.Second, Duration: 10 * time.Second, Rate: 2000}, 1, newFakeCluster(t), callers)
		side := s.collector.Side(sideProduce)
		// From the window's start on, 1,000 a second for 10 s and for lateMax.
		if got := s.turns.unsent.Load(); got < 8_900 || got > 9_100 {
			t.Errorf("%d not sent", got)
		}
		// The backlog of the warm-up is none of the window's.
		if side.Records < 9_900 || side.Records > 10_000 || side.Latency.Max < 5_400 || side.Latency.Max > 5_600 {
			t.Errorf("%d records, at most %g ms", side.Records, side.Latency.Max)
		}
	})
}

// TestFailuresAreCountedByKind, and are in no ledger.
func TestFailuresAreCountedByKind(t *testing.T) {
	for name, start := range map[string]func(writer) interface{ run(context.Context) }{"a caller": callers, "a flood": floods} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newFakeCluster(t)
				cluster.fail = func(n int) error {
					if n%2 == 0 {
						return kerr.NotEnoughReplicas
					}
					return nil
				}
				s := play(t, Plan{Duration: time.Second}, 1, cluster, start)
				side := s.collector.Side(sideProduce)
				failed := side.Errors["NOT_ENOUGH_REPLICAS"]
				if failed == 0 || len(side.Errors) != 1 {
					t.Errorf("errors %v", side.Errors)
				}
				if in := s.ledger.Acknowledged(); in+failed < int64(cluster.n)-1 || in+failed > int64(cluster.n) {
					t.Errorf("%d in the ledger and %d failed, of %d", in, failed, cluster.n)
				}
				// A cluster that refuses is not asked as fast as it can.
				if name == "a caller" && cluster.n > 200 {
					t.Errorf("%d records", cluster.n)
				}
			})
		})
	}
}

// TestTransactionsAreAcknowledgedTogether, when they have been committed.
func TestTransactionsAreAcknowledgedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster(t)
		s := play(t, Plan{Duration: time.Second, Rate: 100}, 1, cluster, func(w writer) interface{ run(context.Context) } {
			return newTransactions(w, cluster, 10)
		})
		side := s.collector.Side(sideProduce)
		// The first of each ten waits for the other nine, 10 ms each.
		if side.Records != 100 || side.Latency.Max < 90 || side.Latency.Max > 95 || len(side.Errors) != 0 {
			t.Errorf("%d records, at most %g ms, errors %v", side.Records, side.Latency.Max, side.Errors)
		}
		if cluster.begun != cluster.ended {
			t.Errorf("%d begun, %d ended", cluster.begun, cluster.ended)
		}
	})
}

// TestTransactionsThatCannotBeBegunEnd with the window, and are counted.
func TestTransactionsThatCannotBeBegunEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newFakeCluster(t)
		cluster.refuses = errors.New("fenced")
		s := play(t, Plan{Duration: time.Second}, 1, cluster, func(w writer) interface{ run(context.Context) } {
			return newTransactions(w, cluster, 10)
		})
		if side := s.collector.Side(sideProduce); side.Records != 0 || side.Errors["fenced"] < 50 {
			t.Errorf("%d records, errors %v", side.Records, side.Errors)
		}
	})
}

// TestKindsOfErrors, by their cause.
func TestKindsOfErrors(t *testing.T) {
	for want, err := range map[string]error{
		"connection":                                 &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded},
		"NOT_LEADER_FOR_PARTITION":                   kerr.NotLeaderForPartition,
		"not acknowledged within --delivery-timeout": kgo.ErrRecordTimeout,
		"stopped before it was acknowledged":         kgo.ErrClientClosed,
		"a surprise":                                 errors.New("a surprise"),
	} {
		if got := kind(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
