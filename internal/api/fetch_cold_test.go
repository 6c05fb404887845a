package api

import (
	"testing"

	"github.com/chronik/chronik/internal/vfs"
)

// What had to be read from the disk gives way to others while it is sent, and what was in
// memory does not.
func TestFetchOfWhatIsColdGivesWay(t *testing.T) {
	f := func(fs vfs.FS, cold bool) {
		t.Helper()
		h := served(t, fs)
		newAsking(h, produceOf(1)).ask(t)
		client := newAsking(h, fetchOf(1<<20))
		client.ask(t)
		if got := len(client.request.WithInserts(client.answer)); got < 256 {
			t.Fatalf("a fetch of a record has %d bytes", got)
		}
		if gives := client.request.GiveWay != nil; gives != cold {
			t.Errorf("cold %t: gives way %t", cold, gives)
		}
	}
	f(vfs.NewMem(), false)
	f(vfs.NewFaulty(vfs.NewMem(), func(vfs.Op) error { return nil }), true) // in which nothing is in memory
}
