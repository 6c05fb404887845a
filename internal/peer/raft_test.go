package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/storage"
	"github.com/chronik/chronik/internal/vfs"
)

const raftKind, raftPieceKind Kind = 3, 4

// raftHandler gives what comes to a quorum, as a broker's handler does.
type raftHandler struct {
	*recorder
	ctx    context.Context
	quorum Quorum
	raft   *Raft // takes pieces
	pieces atomic.Int32
}

func (h *raftHandler) Message(from model.NodeID, _ Kind, body []byte) {
	_ = StepRaft(h.ctx, h.quorum, from, body) // it has ended
}

func (h *raftHandler) Request(ctx context.Context, from model.NodeID, kind Kind, body []byte) ([]byte, error) {
	if kind == raftPieceKind {
		h.pieces.Add(1)
		return nil, h.raft.TakePiece(ctx, h.quorum, from, body)
	}
	return nil, StepRaft(ctx, h.quorum, from, body)
}

// told is a Quorum that notes what it is told.
type told struct {
	steps       chan *quorum.Message
	unreachable chan model.NodeID
	snapshots   chan string
}

func newTold() *told {
	return &told{steps: make(chan *quorum.Message, 100), unreachable: make(chan model.NodeID, 100), snapshots: make(chan string, 100)}
}

// refusedTerm is of the messages that Step returns an error for.
const refusedTerm = 8

func (q *told) Step(_ context.Context, m *quorum.Message) error {
	if m.GetTerm() == refusedTerm {
		return quorum.ErrStopped
	}
	q.steps <- m
	return nil
}

func (q *told) ReportSnapshot(_ context.Context, node model.NodeID, delivered bool) error {
	q.snapshots <- fmt.Sprint(node, delivered)
	return nil
}

func (q *told) ReportUnreachable(_ context.Context, node model.NodeID) error {
	q.unreachable <- node
	return nil
}

// raftMessage is one from node 1.
func raftMessage(typ raftpb.MessageType, to model.NodeID) *quorum.Message {
	return &quorum.Message{Type: typ.Enum(), From: new(uint64(2)), To: new(uint64(to) + 1), Term: new(uint64(7))}
}

// Goal: messages and snapshots arrive, and the quorum hears what has become of
// those that it has to.
func TestRaftMessages(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	there, here := newTold(), newTold()
	b := startHost(t, hostOptions{node: 2, where: where, raft: &raftHandler{ctx: t.Context(), quorum: there}})
	r := NewRaft(a.Network, raftKind, raftPieceKind)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, here) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	sent := raftMessage(raftpb.MsgApp, 2)
	sent.Entries = []*raftpb.Entry{{Term: new(uint64(7)), Index: new(uint64(9)), Data: []byte("entry")}}
	r.Send([]*quorum.Message{sent, raftMessage(raftpb.MsgHeartbeat, 2)})
	if got := <-there.steps; !proto.Equal(got, sent) {
		t.Errorf("%v arrived as %v", sent, got)
	}
	if got := <-there.steps; got.GetType() != raftpb.MsgHeartbeat {
		t.Errorf("%v is out of order", got)
	}
	r.Send([]*quorum.Message{raftMessage(raftpb.MsgSnap, 2)})
	if got := <-there.steps; got.GetType() != raftpb.MsgSnap {
		t.Error(got)
	}
	if got := <-here.snapshots; got != "2 true" {
		t.Error(got)
	}
	refused := raftMessage(raftpb.MsgSnap, 2)
	refused.Term = new(uint64(refusedTerm))
	r.Send([]*quorum.Message{refused})
	if got := <-here.snapshots; got != "2 false" {
		t.Error(got)
	}
	r.Send([]*quorum.Message{raftMessage(raftpb.MsgHeartbeat, 3)}) // whose address nobody knows
	if node := <-here.unreachable; node != 3 {
		t.Error(node)
	}
	b.stop()
	a.stop()
	r.Send([]*quorum.Message{raftMessage(raftpb.MsgSnap, 2), raftMessage(raftpb.MsgHeartbeat, 2)})
	if got := <-here.snapshots; got != "2 false" {
		t.Error(got)
	}
	if node := <-here.unreachable; node != 2 {
		t.Error(node)
	}
}

// Goal: a snapshot larger than any frame arrives whole, in pieces, with other messages
// in between; and one that is refused is told of as not delivered.
func TestALargeSnapshotGoesInPieces(t *testing.T) {
	where := new(addresses)
	a := startHost(t, hostOptions{node: 1, where: where})
	there, here := newTold(), newTold()
	handler := &raftHandler{ctx: t.Context(), quorum: there}
	b := startHost(t, hostOptions{node: 2, where: where, raft: handler, ready: func(n *Network) { handler.raft = NewRaft(n, raftKind, raftPieceKind) }})
	r := NewRaft(a.Network, raftKind, raftPieceKind)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx, here) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	snapshot := raftMessage(raftpb.MsgSnap, 2)
	data := make([]byte, BodyBytesMax+pieceBytes/2)
	for i := range data {
		data[i] = byte(i / 251)
	}
	snapshot.Snapshot = &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{}}
	r.Send([]*quorum.Message{snapshot})
	if got := <-there.steps; !proto.Equal(got, snapshot) {
		t.Error("another snapshot arrived")
	}
	if got := <-here.snapshots; got != "2 true" {
		t.Error(got)
	}
	if n := handler.pieces.Load(); n != BodyBytesMax/pieceBytes+1 {
		t.Errorf("%d pieces", n)
	}
	snapshot.Term = new(uint64(refusedTerm))
	r.Send([]*quorum.Message{snapshot})
	if got := <-here.snapshots; got != "2 false" {
		t.Error(got)
	}
	b.stop()
	a.stop()
}

func TestPiecesOutOfOrderAreRefused(t *testing.T) {
	message := make([]byte, 3*pieceBytes)
	var pieces []piece
	for p := range split(7, message) {
		pieces = append(pieces, *p)
	}
	f := func(whole bool, order ...int) {
		t.Helper()
		var a assemblies
		var got []byte
		for _, i := range order {
			if m, err := a.add(1, pieces[i]); err == nil && m != nil {
				got = m
			}
		}
		if whole != bytes.Equal(got, message) || len(a.from) != 0 {
			t.Errorf("%v: %d bytes, %d under way", order, len(got), len(a.from))
		}
	}
	f(true, 0, 1, 2)
	f(true, 0, 1, 0, 1, 2) // the sender has begun again
	f(false, 1, 2)
	f(false, 0, 2)
	f(false, 0, 1, 1, 2)
	var a assemblies
	for _, from := range []model.NodeID{1, 2} {
		for _, p := range pieces[:2] {
			if _, err := a.add(from, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.drop(1)
	if _, err := a.add(1, pieces[2]); err == nil {
		t.Error("what was dropped goes on")
	}
	if m, err := a.add(2, pieces[2]); err != nil || !bytes.Equal(m, message) {
		t.Errorf("another node's: %d bytes, %v", len(m), err)
	}
}

func TestRaftMessagesOfSomebodyElseAreRefused(t *testing.T) {
	q := newTold()
	body, err := proto.Marshal(raftMessage(raftpb.MsgApp, 2))
	if err != nil {
		t.Fatal(err)
	}
	if err := StepRaft(t.Context(), q, 3, body); err == nil {
		t.Error("node 3 speaks for node 1")
	}
	if err := StepRaft(t.Context(), q, 1, []byte("\xff")); err == nil {
		t.Error("a message that is none was taken")
	}
	if err := StepRaft(t.Context(), q, 1, body); err != nil || len(q.steps) != 1 {
		t.Error(err)
	}
}

// voter is a quorum of its own process, as far as the others can tell.
type voter struct {
	*host
	*quorum.Quorum
	end func()
}

func startVoter(t *testing.T, node model.NodeID, where *addresses) *voter {
	t.Helper()
	mem := vfs.NewMem()
	if err := mem.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	disk := storage.NewDisk(storage.DiskOptions{FS: mem, Dir: "data", Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	v, handler := new(voter), &raftHandler{ctx: ctx}
	var raft *Raft
	v.host = startHost(t, hostOptions{node: node, where: where, raft: handler, ready: func(n *Network) {
		raft = NewRaft(n, raftKind, raftPieceKind)
		handler.raft = raft
		var err error
		v.Quorum, err = quorum.New(quorum.Options{
			Node: node, Voters: []model.NodeID{1, 2, 3}, FS: mem, Dir: "data", Disk: disk, Transport: raft,
		})
		if err != nil {
			t.Fatal(err)
		}
		handler.quorum = v.Quorum
	}})
	running.Go(func() { _ = disk.Run(ctx) })
	running.Go(func() { _ = v.Quorum.Run(ctx) })
	running.Go(func() { _ = raft.Run(ctx, v.Quorum) })
	v.end = sync.OnceFunc(func() {
		cancel()
		v.stop()
		running.Wait()
		_ = v.Quorum.Close()
	})
	t.Cleanup(v.end)
	return v
}

// Goal: three voters elect, commit, and elect anew when the leader is gone.
func TestAQuorumOverLoopback(t *testing.T) {
	where := new(addresses)
	voters := map[model.NodeID]*voter{}
	for _, node := range []model.NodeID{1, 2, 3} {
		voters[node] = startVoter(t, node, where)
	}
	// submit has whoever leads decide, and says who that was.
	submit := func() model.NodeID {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // against hanging, measures nothing
		defer cancel()
		for {
			for node, v := range voters {
				_, err := v.Submit(ctx, controller.InitCluster{ID: "c"})
				if err == nil {
					return node
				}
				if _, other := errors.AsType[*quorum.NotLeaderError](err); !other {
					t.Fatal(err)
				}
			}
		}
	}
	first := submit()
	voters[first].end()
	delete(voters, first)
	if second := submit(); second == first {
		t.Errorf("node %d leads, and has stopped", first)
	}
}
