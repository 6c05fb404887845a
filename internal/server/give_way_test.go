package server

import (
	"context"
	"sync/atomic"
	"testing"
)

// A response that gives way does so between its pieces, and none that comes after it does.
func TestALongResponseGivesWayBetweenItsPieces(t *testing.T) {
	var given atomic.Int64
	f := start(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			if len(r.Body) > 0 {
				r.GiveWay = func() { given.Add(1) }
			}
			records := make([]byte, 3*writeChunkBytes)
			result := respond(dst, r, nil)
			r.Insert(result, records)
			return result, nil
		}, nil
	}), nil)
	c := f.dial(t)
	ask := func(id int32, body string) int64 {
		t.Helper()
		before := given.Load()
		mustWrite(t, c, frame(testVersion, id, []byte(body)))
		if got := mustRead(t, c, id); len(got) != 3*writeChunkBytes {
			t.Fatalf("%d bytes of records", len(got))
		}
		return given.Load() - before
	}
	// With what precedes the records they are a little more than three pieces.
	if n := ask(1, "gives way"); n != 3 {
		t.Errorf("a response in four pieces gave way %d times", n)
	}
	if n := ask(2, ""); n != 0 {
		t.Errorf("the next, which does not, gave way %d times", n)
	}
}
