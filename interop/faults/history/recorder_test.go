package history

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestHistoryIsReadAsItWasRecorded writes one operation of each form and reads them back.
func TestHistoryIsReadAsItWasRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	ops := []Op{
		{Began: 1, Ended: 2, Client: "go-1", Kind: Produce, Partition: 3, Offset: 4, Value: "go-1.3.1", Sequence: 1, Outcome: Acked},
		{Began: 3, Ended: 5, Client: "reader", Kind: Read, Session: 1, Records: []Record{{0, "a"}, {1, "b\n"}}},
		{Client: "group", Kind: Committed, Offset: NoOffset},
		{Client: "reader", Kind: Trouble, Note: "lost its leader"},
	}
	for _, op := range ops {
		r.Add(op)
	}
	if got := r.Ops(); !reflect.DeepEqual(got, ops) {
		t.Errorf("kept %+v, want %+v", got, ops)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(bytes.NewReader(data))
	if err != nil || !reflect.DeepEqual(got, ops) {
		t.Errorf("read %+v, %v; want %+v", got, err, ops)
	}
}

// FuzzDecode holds Decode to reading again what it has read.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"began":1,"ended":2,"client":"a","kind":"produce","partition":0,"offset":-1,"value":"a.0.1","outcome":"acked"}` + "\n"))
	f.Add([]byte(`{"kind":"read","records":[{"o":1,"v":"x"}]}`))
	f.Add([]byte("{}\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ops, err := Decode(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		for _, op := range ops {
			if err := json.NewEncoder(&again).Encode(op); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Decode(&again); err != nil {
			t.Errorf("%q is read, and what was read is not: %v", data, err)
		}
	})
}
