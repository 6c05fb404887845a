// Package limits measures what the machine itself can do, without a broker: copy memory,
// checksum, move bytes over loopback, append to files and make them durable. With that
// beside it, a benchmark's figure says what share of the possible it is.
//
// It starts goroutines while it measures, and waits for them. Nothing else should run
// meanwhile: the processor time of TCP is that of the whole process.
package limits

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// Limits are the machine's. What could not be found out is 0.
type Limits struct {
	Cores      int   `json:"cores"`
	Copy       Rate  `json:"copy"`       // of blocks beyond the caches
	CopyCached Rate  `json:"copyCached"` // of blocks within them
	CRC        Rate  `json:"crc"`        // CRC32C of blocks of a batch's size
	TCP        TCP   `json:"tcp"`
	Files      Files `json:"files"`
	// Ceiling is computed from the others.
	Ceiling Ceiling `json:"ceiling"`
}

// Rate is in GB/s (10⁹ bytes).
type Rate struct {
	One float64 `json:"one"` // with one goroutine
	All float64 `json:"all"` // with one for each core, together
}

// TCP is one connection over loopback.
type TCP struct {
	GBPerSecond  float64 `json:"gbPerSecond"`
	NanosPerByte float64 `json:"nanosPerByte"` // of processor time, both ends together
	RoundTrip    Latency `json:"roundTrip"`    // of a few bytes
}

// Latency is in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Effort is how much to spend on it.
type Effort struct {
	Each      time.Duration // on each of some fourteen measurements
	CopyBytes int           // that are copied at a time; should exceed the caches
	FileBytes int64         // at most in a file; there are three at a time
}

// Usual is what figures can be relied on with.
func Usual() Effort {
	return Effort{Each: 2 * time.Second, CopyBytes: 64 << 20, FileBytes: 256 << 20}
}

// Measure takes half a minute. Its files are in a new directory below dir, which it
// removes; dir should be on the disk that brokers write to. progress is told what comes
// next; nil: nobody is.
func Measure(ctx context.Context, dir string, progress func(string)) (Limits, error) {
	return Usual().Measure(ctx, dir, progress)
}

// Measure is the function of that name with another effort.
func (e Effort) Measure(ctx context.Context, dir string, progress func(string)) (l Limits, err error) {
	if progress == nil {
		progress = func(string) {}
	}
	own, err := os.MkdirTemp(dir, "limits-")
	if err != nil {
		return Limits{}, fmt.Errorf("measure limits: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(own)) }()

	l.Cores = runtime.GOMAXPROCS(0)
	steps := []struct {
		what string
		do   func() error
	}{
		{"memory", func() error { return e.memory(ctx, &l) }},
		{"loopback TCP", func() error { return e.stream(ctx, &l.TCP) }},
		{"loopback round trips", func() error { return e.roundTrips(ctx, &l.TCP) }},
		{"appending to a file", func() error { return e.appends(ctx, own, &l.Files) }},
		{"syncing", func() error { return e.syncs(ctx, own, &l.Files) }},
	}
	for _, s := range steps {
		progress(s.what)
		if err := s.do(); err != nil {
			return Limits{}, fmt.Errorf("measure %s: %w", s.what, err)
		}
	}
	l.Ceiling = ceiling(l)
	return l, nil
}
