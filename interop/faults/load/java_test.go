//go:build linux

package load

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik/chronik/interop/faults/history"
)

func newHistory(t testing.TB) *history.Recorder {
	t.Helper()
	h, err := history.Create(filepath.Join(t.TempDir(), "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestTheJavaClientsLinesBecomeOperations, in the form in which they write them.
func TestTheJavaClientsLinesBecomeOperations(t *testing.T) {
	h := newHistory(t)
	lines := `{"began":1,"ended":2,"client":"java/1","kind":"produce","partition":3,"value":"java/1.3.7","sequence":7,"outcome":"acked","offset":5}
{"began":3,"ended":4,"client":"member-java","kind":"read","partition":3,"session":2,"records":[{"o":5,"v":"java/1.3.7"}]}
{"began":5,"ended":6,"client":"member-java","kind":"commit","partition":3,"offset":6,"outcome":"unknown","note":"TimeoutException: \"late\""}
`
	if err := record(h, strings.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
	ops := h.Ops()
	if len(ops) != 3 || ops[0].Offset != 5 || ops[1].Records[0].Value != "java/1.3.7" || ops[2].Note != `TimeoutException: "late"` {
		t.Errorf("%+v", ops)
	}
	if err := record(h, strings.NewReader("Exception in thread \"main\"\n")); err == nil {
		t.Error("what is no operation is taken for one")
	}
}
