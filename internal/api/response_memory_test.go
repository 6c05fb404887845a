package api

import (
	"context"
	"testing"
)

// Consumers that ask for all they may and read nothing leave something for the others:
// they waited until the first had been closed for it, half a minute later.
func TestWhoDoesNotReadLeavesMemoryForOthers(t *testing.T) {
	const limit = 64 << 20
	m := newResponseMemory(limit)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // whoever has to wait fails
	for i := range 50 {
		share := m.share()
		if share < shareBytesMin || i == 0 && share != limit/shareOfFree {
			t.Fatalf("reader %d may have %d bytes", i, share)
		}
		if got, err := m.take(ctx, int64(share), true); err != nil || got != int64(share) {
			t.Fatalf("reader %d got %d of %d bytes, %v", i, got, share, err)
		}
	}
	m.give(m.used.Load())
	if share := m.share(); share != limit/shareOfFree {
		t.Errorf("with everything given back one may have %d bytes", share)
	}
	small := newResponseMemory(shareBytesMin / 2)
	if got, err := small.take(ctx, int64(small.share()), false); err != nil || got != shareBytesMin/2 {
		t.Errorf("of a small budget one gets %d bytes, %v", got, err)
	}
}
