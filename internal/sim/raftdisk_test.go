package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/quorum/storetest"
)

// The simulated disk is held to the contract of the real one, with what it leaves
// of a step that a crash interrupts.
func TestRaftDiskKeepsTheContract(t *testing.T) {
	storetest.Test(t, func(_ *testing.T, seed uint64) storetest.Disk {
		return &crashingDisk{raftDisk: newRaftDisk([]model.NodeID{1, 2}), rng: rand.New(rand.NewPCG(seed, 5))}
	})
}

var errPower = errors.New("power lost")

// crashingDisk has its next step interrupted where a crash is to come. Snapshots of
// the node's own are written whole or not at all.
type crashingDisk struct {
	raftDisk
	rng   *rand.Rand
	armed bool
}

func (d *crashingDisk) Open() (quorum.Store, error) {
	d.reopened()
	return d, nil
}

func (d *crashingDisk) CrashAfter(n int) { d.armed = n > 0 }
func (d *crashingDisk) Crash()           { d.armed = false }

func (d *crashingDisk) perform(s quorum.Step) error {
	if !d.armed {
		return s.Perform(context.Background(), &d.raftDisk, nil)
	}
	d.halfDone(&s, d.rng)
	return errPower
}

func (d *crashingDisk) SaveState(state *quorum.HardState) error {
	return d.perform(quorum.Step{Kind: quorum.SaveState, State: state})
}

func (d *crashingDisk) Install(snap *quorum.Snapshot) error {
	return d.perform(quorum.Step{Kind: quorum.InstallSnapshot, Snapshot: snap})
}

func (d *crashingDisk) Append(_ context.Context, entries []*quorum.Entry) error {
	return d.perform(quorum.Step{Kind: quorum.AppendEntries, Entries: entries})
}

func (d *crashingDisk) SaveSnapshot(snap *quorum.Snapshot) error {
	if d.armed && d.rng.IntN(2) == 0 {
		return errPower
	}
	return d.raftDisk.SaveSnapshot(snap)
}
