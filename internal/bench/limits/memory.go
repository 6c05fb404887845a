package limits

import (
	"context"
	"hash/crc32"

	"golang.org/x/sync/errgroup"
)

const (
	cachedBytes = 64 << 10 // two of them fit into a core's own cache
	batchBytes  = 1 << 20  // what one batch of a busy producer may well have
)

// memory measures what touches nothing else.
func (e Effort) memory(ctx context.Context, l *Limits) error {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	copying := func(size int) func() func() (int, error) {
		return func() func() (int, error) {
			from, to := noise(size), make([]byte, size)
			return func() (int, error) { return copy(to, from), nil }
		}
	}
	summing := func() func() (int, error) {
		block := noise(batchBytes)
		return func() (int, error) {
			crc32.Checksum(block, castagnoli)
			return len(block), nil
		}
	}
	for _, m := range []struct {
		into *Rate
		work func() func() (int, error)
	}{
		{&l.Copy, copying(e.CopyBytes)},
		{&l.CopyCached, copying(cachedBytes)},
		{&l.CRC, summing},
	} {
		var err error
		if m.into.One, err = e.workers(ctx, 1, m.work); err != nil {
			return err
		}
		if m.into.All, err = e.workers(ctx, l.Cores, m.work); err != nil {
			return err
		}
	}
	return nil
}

// workers has some of them work at once, each on a step of its own making, and adds up
// their GB/s.
func (e Effort) workers(ctx context.Context, number int, work func() func() (int, error)) (float64, error) {
	steps := make([]func() (int, error), number)
	for i := range steps {
		steps[i] = work() // before any begins, so that none works alone
	}
	rates := make([]float64, number)
	g, ctx := errgroup.WithContext(ctx)
	for i, step := range steps {
		g.Go(func() error {
			s, err := e.spend(ctx, step)
			rates[i] = s.gbPerSecond()
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	return sum, nil
}
