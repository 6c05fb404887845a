package limits

import (
	"context"
	"errors"
	"slices"
	"time"
)

// spent is what some work has taken.
type spent struct {
	bytes     int64
	elapsed   time.Duration
	processor time.Duration // of the whole process; 0 where that is not known
}

func (s spent) gbPerSecond() float64 { return float64(s.bytes) / float64(max(s.elapsed, 1)) }

func (s spent) nanosPerByte() float64 { return float64(s.processor) / float64(max(s.bytes, 1)) }

func (s *spent) add(other spent) {
	s.bytes += other.bytes
	s.elapsed += other.elapsed
	s.processor += other.processor
}

// clocked finds what some work takes, which says how many bytes it moved.
func clocked(work func() (int64, error)) (spent, error) {
	began, processor := time.Now(), processorTime()
	n, err := work()
	return spent{bytes: n, elapsed: time.Since(began), processor: processorTime() - processor}, err
}

// spend repeats a step, which says how many bytes it moved, until the time is over. One
// step is made whatever the time.
func (e Effort) spend(ctx context.Context, step func() (int, error)) (spent, error) {
	return clocked(func() (total int64, err error) {
		for began := time.Now(); ; {
			n, err := step()
			total += int64(n)
			if err := errors.Join(err, ctx.Err()); err != nil || time.Since(began) >= e.Each {
				return total, err
			}
		}
	})
}

// latency takes some durations, of which there is at least one, and sorts them.
func latency(took []time.Duration) Latency {
	slices.Sort(took)
	at := func(quantile float64) float64 {
		return float64(took[int(quantile*float64(len(took)-1))]) / float64(time.Millisecond)
	}
	return Latency{P50: at(0.50), P99: at(0.99), Max: at(1)}
}
