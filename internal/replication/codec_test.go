package replication

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/replica"
)

// appendFull appends an entry with batches.
func appendFull(frame []byte, e entry) []byte {
	at := len(frame)
	frame = append(frame, make([]byte, entryHeaderBytes)...)
	putHeader(frame[at:], e.topic, e.partition, &e.message, len(e.batches))
	return append(frame, e.batches...)
}

// someEntries are of every kind, with fields that are told apart.
func someEntries(rng *rand.Rand) []entry {
	var all []entry
	for kind := replica.Position; kind <= replica.Ack; kind++ {
		e := entry{
			topic: model.NewUUID(), partition: model.Partition(rng.Int32()),
			message: replica.Message{
				Kind: kind, Stream: replica.Stream{BrokerEpoch: model.BrokerEpoch(rng.Int64()), Number: rng.Uint32()},
				Epoch: model.LeaderEpoch(rng.Int32()), Start: model.Offset(rng.Int64()), End: model.Offset(rng.Int64()),
				LastEpoch: model.NoLeaderEpoch, ElectedEnd: model.Offset(rng.Int64()), HighWatermark: model.Offset(rng.Int64()),
				NewestEpoch: model.NoLeaderEpoch, StartOver: rng.IntN(2) == 0, Normal: rng.IntN(2) == 0,
			},
			batches: []byte{},
		}
		if kind == replica.Data {
			e.batches = bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(1000))
		}
		all = append(all, e)
	}
	return all
}

func TestEntriesSurviveTheirBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		want := someEntries(rng)
		var frame []byte
		for _, e := range want {
			if len(e.batches) == 0 {
				frame = appendEntry(frame, e.topic, e.partition, &e.message)
			} else {
				frame = appendFull(frame, e)
			}
		}
		for i := range want {
			e, rest, err := nextEntry(frame)
			if err != nil {
				t.Fatal(err)
			}
			if e.topic != want[i].topic || e.partition != want[i].partition || e.message != want[i].message || !bytes.Equal(e.batches, want[i].batches) {
				t.Fatalf("%+v was read as %+v", want[i], e)
			}
			frame = rest
		}
		if len(frame) > 0 {
			t.Fatalf("%d bytes are left", len(frame))
		}
	}
}

func TestMalformedEntriesAreRefused(t *testing.T) {
	whole := appendFull(nil, entry{message: replica.Message{Kind: replica.Data}, batches: []byte("batches")})
	with := func(at int, b byte) []byte {
		frame := slices.Clone(whole)
		frame[at] = b
		return frame
	}
	for name, frame := range map[string][]byte{
		"half a header":           whole[:entryHeaderBytes/2],
		"half the batches":        whole[:len(whole)-1],
		"no kind":                 with(0, 0),
		"an unknown kind":         with(0, byte(replica.Ack)+1),
		"an unknown flag":         with(1, flagsKnown+1),
		"batches that are no one": with(0, byte(replica.Ack)),
		"more than there is":      with(74, 0xff),
	} {
		if e, _, err := nextEntry(frame); !errors.Is(err, errFrame) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// Whatever bytes come, an entry is read or refused; what was read is written as it was.
func FuzzNextEntry(f *testing.F) {
	var frame []byte
	for _, e := range someEntries(rand.New(rand.NewPCG(3, 4))) {
		frame = appendFull(frame, e)
		f.Add(appendFull(nil, e))
	}
	f.Add(frame)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, frame []byte) {
		for len(frame) > 0 {
			e, rest, err := nextEntry(frame)
			if err != nil {
				return
			}
			if read := frame[:len(frame)-len(rest)]; !bytes.Equal(appendFull(nil, e), read) {
				t.Fatalf("%x was read as %+v", read, e)
			}
			frame = rest
		}
	})
}
