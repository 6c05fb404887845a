package quorum

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"

	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
)

// peer is a node of a world.
type peer struct {
	node    model.NodeID
	store   *memoryStore
	m       *Machine // nil: it is down
	rd      *Ready   // under way
	step    int      // the next of its steps
	saved   *Snapshot
	applied uint64
}

// world is a cluster of machines and what is between them, driven by one random
// source. It checks Raft's invariants on the way.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	peers   []*peer
	network []*Message
	cut     map[model.NodeID]bool // hears and is heard of nobody
	calm    bool                  // no faults
	sent    int                   // commands

	leaders   map[uint64]model.NodeID // by term
	newest    uint64                  // term in which anybody was elected
	committed map[uint64][]byte       // entries by index
	images    map[uint64][]byte       // encoded, by index
	end       uint64                  // of what anybody has applied
	open      map[any]any             // what a token was for
	removed   []model.NodeID          // just now
	did       map[string]int
}

// asked is what was so when a confirmation was asked for.
type asked struct{ newest, end uint64 }

func newWorld(t *testing.T, seed uint64, voters, joiners int) *world {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	w := &world{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), cut: map[model.NodeID]bool{}, leaders: map[uint64]model.NodeID{},
		committed: map[uint64][]byte{}, images: map[uint64][]byte{}, open: map[any]any{}, did: map[string]int{},
	}
	var ids []model.NodeID
	for i := range voters {
		ids = append(ids, model.NodeID(i))
	}
	for i := range voters + joiners {
		p := &peer{node: model.NodeID(i), store: newMemoryStore(ids...)}
		if i >= voters {
			p.store = newMemoryStore()
		}
		w.peers = append(w.peers, p)
		w.start(p)
	}
	return w
}

// violation is what a world panics with.
type violation string

func (w *world) failf(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

// run makes so many events, and then has the cluster recover. It returns what
// went wrong; raft's own panics are among that.
func (w *world) run(events int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	for i := range events {
		w.event()
		if i%500 == 0 {
			w.checkLogs()
		}
	}
	w.recover()
	w.checkLogs()
	return nil
}

func (w *world) start(p *peer) {
	image, err := meta.DecodeSnapshot(p.store.snap.GetData())
	if err != nil {
		w.failf("%v", err)
	}
	p.m, err = NewMachine(MachineOptions{Node: p.node, Storage: p.store, Image: image, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.failf("%v", err)
	}
	p.rd, p.step, p.saved, p.applied = nil, 0, nil, image.Index
}

// crash stops a node within the step that is under way.
func (w *world) crash(p *peer) {
	w.did["crash"]++
	if p.rd != nil && p.step < len(p.rd.Steps) {
		if step := &p.rd.Steps[p.step]; step.Kind != SendMessages {
			p.store.tear(step, w.rng)
			w.did["crash in a step"]++
		}
	}
	p.m = nil
}

// proceed does the next step of a node's Ready, whichever that is.
func (w *world) proceed(p *peer) {
	if p.rd == nil {
		rd, err := p.m.Ready()
		if err != nil {
			w.failf("%v", err)
		}
		p.rd, p.step = rd, 0
		return
	}
	if p.step < len(p.rd.Steps) {
		p.step++
		step := &p.rd.Steps[p.step-1]
		w.did[fmt.Sprintf("step %d", step.Kind)]++
		if err := step.Perform(w.t.Context(), p.store, func(m []*Message) { w.network = append(w.network, m...) }); err != nil {
			w.failf("%v", err)
		}
		return
	}
	rd := p.rd
	p.rd = nil
	replies, err := p.m.Advance(rd)
	if err != nil {
		w.failf("%v", err)
	}
	w.checkAdvance(p, rd)
	for _, r := range replies {
		w.checkReply(p, r)
	}
	for _, id := range w.removed {
		if w.rng.IntN(2) == 0 { // its disk is emptied, and it may be added again
			w.did["emptied"]++
			w.peers[id].store = newMemoryStore()
			w.start(w.peers[id])
		}
	}
	w.removed = nil
}

func (w *world) checkAdvance(p *peer, rd *Ready) {
	if p.m.Leads() {
		if other, led := w.leaders[p.m.Term()]; led && other != p.node {
			w.failf("nodes %d and %d both lead in term %d", other, p.node, p.m.Term())
		}
		w.leaders[p.m.Term()] = p.node
		w.newest = max(w.newest, p.m.Term())
	}
	if index := rd.raft.Snapshot.GetMetadata().GetIndex(); index > 0 {
		if index <= p.applied {
			w.failf("node %d went back from %d to snapshot %d", p.node, p.applied, index)
		}
		p.applied = index
		w.did["snapshot taken from a leader"]++
	}
	for _, e := range rd.raft.CommittedEntries {
		if p.applied++; e.GetIndex() != p.applied {
			w.failf("node %d applied entry %d as its %d", p.node, e.GetIndex(), p.applied)
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
		if err != nil {
			w.failf("%v", err)
		}
		w.same(w.committed, e.GetIndex(), b, "committed entry")
		w.did["entry "+e.GetType().String()]++
	}
	if p.m.Applied() != p.applied || p.m.Image().Index != p.applied {
		w.failf("node %d has applied %d, its image is of %d, want %d", p.node, p.m.Applied(), p.m.Image().Index, p.applied)
	}
	w.same(w.images, p.applied, meta.EncodeSnapshot(p.m.Image()), "image")
	w.end = max(w.end, p.applied)
}

func (w *world) same(known map[uint64][]byte, index uint64, b []byte, what string) {
	if other, ok := known[index]; ok && !bytes.Equal(other, b) {
		w.failf("%s %d is not the same on all nodes", what, index)
	}
	known[index] = b
}

func (w *world) checkReply(p *peer, r Reply) {
	what, ok := w.open[r.Token]
	if !ok {
		w.failf("reply to %v, which nobody waits for", r.Token)
	}
	delete(w.open, r.Token)
	before, confirm := what.(asked)
	change, changes := what.(Change)
	switch {
	case r.Err != nil:
		w.did["refused"]++
	case confirm:
		w.did["confirmed"]++
		if p.m.Term() < before.newest {
			w.failf("node %d of term %d is confirmed, and %d was elected before it asked", p.node, p.m.Term(), before.newest)
		}
		if p.m.Applied() < before.end {
			w.failf("node %d is confirmed at %d, and %d was committed before it asked", p.node, p.m.Applied(), before.end)
		}
	case changes:
		w.did["changed"]++
		w.removed = append(w.removed, change.Remove...)
	default:
		w.did["decided"]++
		if p.m.Image().Configs.Of(meta.Resource{Type: meta.GroupResource, Name: what.(string)}) == nil {
			w.failf("command %s is answered and not in the image", what)
		}
	}
}

// set makes a record that can be found again.
type set struct{ name, value string }

func (set) Name() string { return "Set" }
func (s set) Decide(*meta.Image, controller.Env) ([]meta.Record, any, error) {
	return []meta.Record{&meta.ConfigRecord{Resource: meta.Resource{Type: meta.GroupResource, Name: s.name}, Name: "n", Value: s.value}}, nil, nil
}

func (w *world) decide(p *peer) {
	if !p.m.CanDecide() {
		return
	}
	w.sent++
	name, token := fmt.Sprint(w.sent%5), w.sent
	w.open[token] = name
	if ready, left := p.m.Decide([]Proposal{{Token: token, Command: set{name, fmt.Sprint(w.sent)}}}, controller.Env{}); len(ready)+len(left) > 0 {
		delete(w.open, token)
	}
}

func (w *world) confirm(p *peer) {
	token := new(int)
	if p.m.Confirm(token) == nil {
		w.open[token] = asked{w.newest, w.end}
	}
}

func (w *world) change(p *peer) {
	if !p.m.CanDecide() {
		return
	}
	var change Change
	for range 1 + w.rng.IntN(2) {
		list := []*[]model.NodeID{&change.Learn, &change.Promote, &change.Demote, &change.Remove}[w.rng.IntN(4)]
		*list = append(*list, model.NodeID(w.rng.IntN(len(w.peers))))
	}
	if len(p.m.conf.GetVoters()) <= 2 {
		change.Demote, change.Remove = nil, nil
	}
	token := new(string)
	switch err := p.m.ChangeMembers(token, change); {
	case err == nil:
		w.open[token] = change
	case !errors.Is(err, ErrMembers) && !errors.Is(err, ErrNotCaughtUp) && !errors.Is(err, ErrChangeUnderWay) && !errors.Is(err, ErrLastVoter) && !errors.Is(err, ErrRemoveLeader) && !errors.Is(err, ErrVotersAway):
		w.failf("%v", err)
	}
}

// snapshot begins one, or ends the one that was begun.
func (w *world) snapshot(p *peer) {
	if p.rd != nil && p.step > 0 { // the disk does one thing at a time here
		return
	}
	if p.saved != nil {
		if err := p.store.Compact(p.saved, 2); err != nil {
			w.failf("%v", err)
		}
		p.saved = nil
		return
	}
	if !p.m.WantsSnapshot(SnapshotLimits{Bytes: 1 << 20, Entries: 8}) {
		return
	}
	w.did["snapshot"]++
	snap, image := p.m.TakeSnapshot()
	snap.Data = meta.EncodeSnapshot(image)
	_ = p.store.SaveSnapshot(snap) // never fails
	p.saved = snap
}

// deliver takes any message that is on its way to its node, once, twice or not at
// all.
func (w *world) deliver() {
	if len(w.network) == 0 {
		return
	}
	i := 0
	if !w.calm {
		i = w.rng.IntN(min(len(w.network), 20))
	}
	m := w.network[i]
	from, to := NodeOf(m.GetFrom()), w.peers[NodeOf(m.GetTo())]
	if w.calm || w.rng.IntN(20) > 0 {
		w.network = slices.Delete(w.network, i, i+1)
	}
	lost := w.cut[from] || w.cut[to.node] || to.m == nil || !w.calm && w.rng.IntN(12) == 0
	if !lost {
		_ = to.m.Step(m) // it may drop what it likes
	}
	if IsSnapshot(m) && w.peers[from].m != nil {
		w.peers[from].m.ReportSnapshot(to.node, !lost)
	}
}

// event does something.
func (w *world) event() {
	p := w.peers[w.rng.IntN(len(w.peers))]
	kind := w.rng.IntN(10_000)
	if p.m == nil {
		if w.calm || kind < 100 {
			w.start(p)
		}
		return
	}
	switch {
	case kind < 4000:
		w.deliver()
	case kind < 8500:
		if inStep := p.rd != nil && p.step < len(p.rd.Steps); inStep && !w.calm && w.rng.IntN(100) == 0 {
			w.crash(p)
			return
		}
		w.proceed(p)
	case kind < 9000:
		p.m.Tick()
	case kind < 9400:
		w.decide(p)
	case kind < 9600:
		w.confirm(p)
	case kind < 9850:
		w.snapshot(p)
	case w.calm:
	case kind < 9853:
		w.crash(p)
	case kind < 9863:
		w.cut[p.node] = true
	case kind < 9870:
		clear(w.cut)
	case kind < 9920:
		w.change(p)
	case kind < 9922:
		p.m.Yield()
	}
}

// checkLogs: where two logs have an entry of the same term at an index, they are
// the same up to there.
func (w *world) checkLogs() {
	type place struct{ index, term uint64 }
	before := map[place]place{}
	data := map[place][]byte{}
	for _, p := range w.peers {
		last := place{p.store.base, p.store.baseTerm}
		for i, e := range p.store.entries {
			at := place{e.GetIndex(), e.GetTerm()}
			if known, ok := data[at]; ok && !bytes.Equal(known, e.GetData()) {
				w.failf("entry %+v is not the same on all nodes", at)
			}
			if known, ok := before[at]; ok && i > 0 && known != last {
				w.failf("before entry %+v is %+v on node %d, and %+v elsewhere", at, last, p.node, known)
			}
			if i > 0 {
				before[at] = last
			}
			data[at], last = e.GetData(), at
		}
	}
}

// recover ends all faults and waits until a command has gone through and every
// member has it.
func (w *world) recover() {
	w.calm = true
	clear(w.cut)
	start := w.sent
	for range 200_000 {
		w.event()
		if w.sent < start+3 {
			continue
		}
		for _, p := range w.peers {
			if p.m != nil && p.m.CanDecide() && w.allHave(p) {
				return
			}
		}
	}
	w.failf("the cluster does not recover: %s", w)
}

// String tells how all nodes are.
func (w *world) String() string {
	var b []byte
	for _, p := range w.peers {
		if p.m == nil {
			b = fmt.Appendf(b, "\n%d is down", p.node)
			continue
		}
		b = fmt.Appendf(b, "\n%d: %s of term %d, leader %d, applied %d of %d, log after %d, snapshot %d, members %v", p.node, roleName(p.m.role),
			p.m.term, p.m.Leader(), p.m.applied, p.store.last(), p.store.base, p.store.snap.GetMetadata().GetIndex(), p.m.conf)
	}
	return string(b)
}

func (w *world) allHave(leader *peer) bool {
	if joint(leader.m.conf) {
		return false
	}
	for _, p := range w.peers {
		member := slices.Contains(slices.Concat(leader.m.conf.GetVoters(), leader.m.conf.GetLearners()), raftID(p.node))
		if member && (p.m == nil || p.m.Applied()+3 < leader.m.Applied()) {
			return false
		}
	}
	return true
}

// Goal: Raft's invariants hold whatever fails, members change or not. Method:
// machines on a network that drops, duplicates and reorders; crashes between any
// two steps and within them; cut-off nodes; snapshots; at last all is well again,
// and has to work.
func TestMachinesKeepRaftsInvariants(t *testing.T) {
	const seeds = 120
	did := map[string]int{}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed, 3, 2)
			if err := w.run(30_000); err != nil {
				t.Fatal(err)
			}
			for what, n := range w.did {
				did[what] += n
			}
		})
	}
	for _, what := range []string{
		"crash in a step", "snapshot taken from a leader", "entry EntryConfChangeV2", "confirmed", "changed", "emptied", "decided", "refused",
	} {
		if did[what] < 10 {
			t.Errorf("%s: only %d times", what, did[what])
		}
	}
	t.Log(did)
}

// Goal: a run can be had again. Method: the same seed twice.
func TestTheSameSeedIsTheSameRun(t *testing.T) {
	run := func() []byte {
		w := newWorld(t, 5, 3, 1)
		for range 5000 {
			w.event()
		}
		var trace []byte
		for _, p := range w.peers {
			trace = fmt.Append(trace, p.store.state.GetTerm(), p.store.last(), p.applied, w.sent, len(w.network), w.did)
		}
		return trace
	}
	if first, second := run(), run(); !bytes.Equal(first, second) {
		t.Errorf("%s\n%s", first, second)
	}
}
