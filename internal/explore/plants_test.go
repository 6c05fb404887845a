//go:build plant

package explore

import (
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/plant"
)

// planted says within which bounds each planted bug breaks a promise. Not among
// them are
//   - what is not in this world: leases, reads above the high watermark, sequences,
//     snapshots of the metadata, Raft;
//   - newer-epoch-appended and gap-appended: a leader's log is read when it sends, and
//     of a stream nothing is lost but its end;
//   - epoch-start-not-recorded: the first record of an epoch gives its start away, here
//     as on disk; not found in 120 000 states of four kinds;
//   - stale-incarnation-joins: it takes a set of one, a record that only the leader has,
//     and the loss of that leader; not found in 400 000 states.
func planted() map[plant.Bug]Bounds {
	one := Bounds{Records: 1, Crashes: 1, Losses: 1, Elections: 1, Changes: 1, Delays: 1, InFlight: 1, MinInsync: 1}
	with := func(change func(*Bounds)) Bounds {
		b := one
		change(&b)
		return b
	}
	// Nothing crashes, and the rest has more room.
	alive := func(elections, changes, delays int) Bounds {
		return Bounds{Records: 1, Elections: elections, Changes: changes, Delays: delays, InFlight: 1, MinInsync: 1}
	}
	// Processes are killed, and nothing is lost.
	killed := Bounds{Records: 1, Crashes: 2, Elections: 1, Delays: 2, InFlight: 1, MinInsync: 1}
	return map[plant.Bug]Bounds{
		plant.AckBeforeQuorum:         one,
		plant.HighWatermarkNewISROnly: one,
		plant.HighWatermarkOldISROnly: alive(2, 3, 2),
		plant.LeaderCountsUnsynced:    one,
		plant.FollowerAcksUnsynced:    one,
		plant.CountBeforeNormal:       with(func(b *Bounds) { b.Crashes, b.Relaxed, b.Cold = 2, true, true }),
		// A leader that has just been made one.
		plant.LeaderNormalNotSaved: {Records: 1, Crashes: 1, Elections: 1, Delays: 2, InFlight: 1, MinInsync: 1, Cold: true},
		plant.PendingForgotten:     alive(2, 3, 2),

		plant.ExpandBelowFloor:  alive(2, 3, 2),
		plant.ShrinkBelowFloor:  one,
		plant.ReadmitBelowFloor: with(func(b *Bounds) { b.Delays = 2 }),
		plant.LostDroppedAtOnce: one,

		plant.NormalNotPersisted:  killed,
		plant.NormalAtTruncation:  killed,
		plant.PromiseBroken:       one,
		plant.StaleStreamAccepted: with(func(b *Bounds) { b.Delays, b.InFlight = 2, 2 }),
		// The follower cuts, finds its leader again, and does not get back what it had.
		plant.TruncateToHighWatermark: {Records: 1, Elections: 1, Breaks: 1, Delays: 3, InFlight: 1, MinInsync: 1},

		plant.AnswerBeforeApplied:     alive(2, 0, 2),
		plant.OneAnswerElects:         alive(1, 0, 2),
		plant.MinInsyncInElection:     {Records: 1, Elections: 1, Configs: 1, Delays: 2, InFlight: 1, MinInsync: 2},
		plant.LastRecordEpochCompared: {Records: 2, Elections: 3, Delays: 2, InFlight: 1, MinInsync: 1},
		plant.PartitionEpochIgnored:   with(func(b *Bounds) { b.Elections, b.Changes, b.Delays = 2, 2, 2 }),
		plant.FirstInISRElected:       alive(1, 0, 2),
		plant.EmptiedDiskAnswers:      one,
		plant.UncleanRebootAnswers:    with(func(b *Bounds) { b.Relaxed, b.Delays = true, 2 }),
		plant.OldIncarnationLeads:     one,
	}
}

// Goal: the search finds what it should find. Method: the bugs that package plant
// can switch on, each within bounds in which it shows.
func TestPlantedBugsAreFound(t *testing.T) {
	defer plant.Switch("")
	for _, row := range plant.Table() {
		bug := row.Bug
		b, shows := planted()[bug]
		if !shows {
			continue
		}
		t.Run(string(bug), func(t *testing.T) {
			plant.Switch(bug)
			b.States, b.Bytes = 400_000, 4<<30
			r := Search(t.Context(), b, func(Result) {})
			if r.Violation == nil {
				t.Fatalf("not found in %d states (all: %t)", r.States, r.Complete)
			}
			t.Logf("%d states, %d choices: %v", r.States, r.Depth+1, r.Violation)
		})
	}
}

// Goal: within the bounds in which the bugs are found, there is nothing to find
// without them.
func TestNothingIsFoundWherePlantedBugsAre(t *testing.T) {
	plant.Switch("")
	var done []Bounds
	for bug, b := range planted() {
		if slices.Contains(done, b) {
			continue
		}
		done = append(done, b)
		b.States, b.Bytes = 60_000, 4<<30
		if r := Search(t.Context(), b, func(Result) {}); r.Violation != nil {
			t.Errorf("%+v, without %s: %v\n%v", b, bug, r.Violation, r.Story)
		}
	}
}
