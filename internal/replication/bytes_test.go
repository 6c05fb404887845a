package replication

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

var update = flag.Bool("update", false, "write the file of bytes anew")

// The file holds an entry of every kind. Other builds read it, and refuse kinds and flags
// that they do not know: a later one is sent to those only that speak the version of the
// protocol that it came with.
func TestBytesOfEntries(t *testing.T) {
	var b strings.Builder
	for kind := replica.Position; kind <= replica.Ack; kind++ {
		m := replica.Message{
			Kind: kind, Stream: replica.Stream{BrokerEpoch: 2, Number: 3}, Epoch: 4, Start: 5, End: 6, LastEpoch: 7,
			ElectedEnd: 8, HighWatermark: 9, StartOver: kind%2 == 0, Normal: kind%2 == 1,
		}
		fmt.Fprintf(&b, "%d %s\n", kind, hex.EncodeToString(appendEntry(nil, model.TopicID{1}, 2, &m)))
	}
	const path = "testdata/entries.golden"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("%s has\n%s\nand now it is\n%s", path, want, b.String())
	}
}
