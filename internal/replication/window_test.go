package replication

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/partition"
)

// check reports whether the window's books are right.
func (w *window) check(t interface{ Fatalf(string, ...any) }) {
	total := 0
	for _, d := range w.feeds {
		bytes := 0
		for _, p := range d.unsynced {
			bytes += p.bytes
		}
		if bytes != d.bytes {
			t.Fatalf("a feed has %d bytes under way and says %d", bytes, d.bytes)
		}
		if d.queued && (d.blocked || d.waits) {
			t.Fatalf("a feed is queued and blocked, or waits")
		}
		if d.queued != slices.Contains(w.queue, d) || d.blocked != slices.Contains(w.blocked, d) {
			t.Fatalf("a feed says queued %t, blocked %t, and is not where that is", d.queued, d.blocked)
		}
		total += bytes
	}
	if total != w.bytes {
		t.Fatalf("%d bytes are under way, and the window says %d", total, w.bytes)
	}
}

// a partition of a window's test: it wants to send what it has.
type source struct {
	p    *partition.Partition
	has  int          // batches that are not sent
	end  model.Offset // of what was sent
	ends []model.Offset
}

const sourceBatch = 1 << 20

// turn has the window's next partition send a batch; nil where none may.
func (w *window) turn(of map[*partition.Partition]*source) *source {
	d, talk := w.pop()
	if d == nil {
		return nil
	}
	s := of[d.partition]
	if s.has > 0 {
		s.has--
		s.end++
		s.ends = append(s.ends, s.end)
		w.sent(d, talk, s.end, sourceBatch)
		w.push(d)
	}
	return s
}

// Goal: whatever is woken, acknowledged, begun again and forgotten in whatever order,
// the bytes under way are known, and nobody who has something waits longer than for
// one turn of each other, but for the window's sake. Method: random events.
func TestWindowKeepsItsBooksAndStarvesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWindow()
		sources := make([]*source, 12)
		of := make(map[*partition.Partition]*source)
		for i := range sources {
			sources[i] = &source{p: new(partition.Partition)}
			of[sources[i].p] = sources[i]
		}
		served := make(map[*source]map[*source]bool) // since the first waits: who has had a turn
		some := rapid.SampledFrom(sources)
		forgets := func(s *source) { delete(served, s) }
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) { w.check(t) },
			"wake": func(t *rapid.T) {
				s := some.Draw(t, "partition")
				s.has += rapid.IntRange(1, 8).Draw(t, "batches")
				w.push(w.feed(s.p))
			},
			"turn": func(t *rapid.T) {
				s := w.turn(of)
				if s == nil {
					return
				}
				forgets(s)
				for _, other := range sources {
					d := w.feeds[other.p]
					if other == s || d == nil || !d.queued {
						forgets(other) // it does not wait, or for the window
						continue
					}
					if served[other] == nil {
						served[other] = make(map[*source]bool)
					}
					if served[other][s] {
						t.Fatalf("a partition has had two turns while another waited")
					}
					served[other][s] = true
				}
			},
			"acknowledge": func(t *rapid.T) {
				s := some.Draw(t, "partition")
				if len(s.ends) == 0 {
					return
				}
				n := rapid.IntRange(1, len(s.ends)).Draw(t, "batches")
				w.acked(s.p, s.ends[n-1])
				s.ends = s.ends[n:]
			},
			"begin again": func(t *rapid.T) {
				s := some.Draw(t, "partition")
				w.restarted(s.p)
				s.has, s.end, s.ends = s.has+len(s.ends), s.end-model.Offset(len(s.ends)), nil
				if s.has > 0 {
					w.push(w.feed(s.p)) // as the new conversation's first acknowledgement does
				}
			},
			"forget": func(t *rapid.T) {
				s := some.Draw(t, "partition")
				w.forget(s.p)
				s.has, s.ends = 0, nil
				forgets(s)
			},
		})
		// Everything is acknowledged: then everything is sent, and nothing left under way.
		for range 1000 {
			if s := w.turn(of); s == nil {
				if w.bytes == 0 {
					break
				}
				for _, s := range sources {
					w.acked(s.p, s.end)
					s.ends = nil
				}
			}
			w.check(t)
		}
		for i, s := range sources {
			if s.has > 0 && w.feeds[s.p] != nil {
				t.Fatalf("partition %d was left with %d batches", i, s.has)
			}
		}
		if w.bytes != 0 || len(w.queue)+len(w.blocked) > 0 {
			t.Fatalf("%d bytes are under way, %d partitions queued, %d blocked", w.bytes, len(w.queue), len(w.blocked))
		}
	})
}

// fill has a partition send until it may not, and returns how many bytes it sent.
func fill(w *window, p *partition.Partition, end *model.Offset) int {
	d := w.feed(p)
	for {
		w.push(d)
		popped, talk := w.pop()
		if popped == nil {
			return d.bytes
		}
		*end++
		w.sent(popped, talk, *end, sourceBatch)
	}
}

func TestWindowOfOnePartitionAndOfAll(t *testing.T) {
	w := newWindow()
	var ends [5]model.Offset
	partitions := make([]*partition.Partition, len(ends))
	for i := range partitions {
		partitions[i] = new(partition.Partition)
	}
	for i := range 4 {
		if bytes := fill(&w, partitions[i], &ends[i]); bytes != partitionWindowBytes {
			t.Errorf("partition %d has sent %d bytes", i, bytes)
		}
	}
	// The window of all is full. Who has nothing under way may send all the same, once.
	if bytes := fill(&w, partitions[4], &ends[4]); bytes != sourceBatch {
		t.Errorf("a partition with nothing under way has sent %d bytes", bytes)
	}
	w.acked(partitions[4], ends[4])
	if d, _ := w.pop(); d == nil || d.partition != partitions[4] {
		t.Error("what is acknowledged makes no room")
	}
	w.acked(partitions[0], 1)
	if d, _ := w.pop(); d == nil || d.partition != partitions[0] {
		t.Error("a partition that has got room does not get its turn")
	}
	w.check(t)
}

// What was read for a conversation that has ended meanwhile is not under way: nobody
// will acknowledge it, and what is sent after it would wait for that.
func TestWindowForgetsWhatWasReadForAnEndedConversation(t *testing.T) {
	w := newWindow()
	p := new(partition.Partition)
	w.push(w.feed(p))
	d, talk := w.pop()
	w.restarted(p)
	w.sent(d, talk, 1000, sourceBatch)
	if w.bytes != 0 {
		t.Errorf("%d bytes count as under way", w.bytes)
	}
	w.push(d)
	d, talk = w.pop()
	w.sent(d, talk, 100, sourceBatch)
	w.acked(p, 100)
	w.check(t)
	if w.bytes != 0 {
		t.Errorf("%d bytes are under way when all is acknowledged", w.bytes)
	}
	w.push(d)
	d, talk = w.pop()
	w.forget(p)
	w.sent(d, talk, 200, sourceBatch)
	if w.bytes != 0 || len(w.feeds) > 0 {
		t.Errorf("a forgotten partition has %d bytes under way in %d feeds", w.bytes, len(w.feeds))
	}
}
