package plan

import "time"

// Kind is a fault.
type Kind string

// The faults.
const (
	// KillOne, KillTwo and KillAll end processes with SIGKILL; the page cache stays.
	KillOne Kind = "kill-one"
	KillTwo Kind = "kill-two"
	KillAll Kind = "kill-all"
	// Pause stops a process with SIGSTOP, and has it go on where it was.
	Pause Kind = "pause"
	// Isolate cuts a node off from the others; clients reach it.
	Isolate Kind = "isolate"
	// Unplug cuts a node off from everybody.
	Unplug Kind = "unplug"
	// OneWay has nothing get through from a node to the others, or to it.
	OneWay Kind = "one-way"
	// FromController cuts a node off from the controller only.
	FromController Kind = "from-controller"
	// DiskFull leaves hardly any space.
	DiskFull Kind = "disk-full"
	// SyncErrors has syncs fail, and then takes the node's power.
	SyncErrors Kind = "sync-errors"
	// PowerOne and PowerAll end processes and take what was not synced.
	PowerOne Kind = "power-loss"
	PowerAll Kind = "power-loss-of-all"
	// BitFlips and Truncations damage files of a node that is down and out of sync.
	BitFlips    Kind = "bit-flips"
	Truncations Kind = "truncations"
	// RollingRestart stops and starts one node after the other, in order.
	RollingRestart Kind = "rolling-restart"
	// Move gives partitions other replicas, and all in the end.
	Move Kind = "move"
	// ElectFirst has the first replicas lead.
	ElectFirst Kind = "elect-first"
	// Votes takes a node's vote on the metadata, and gives it back.
	Votes Kind = "votes"
	// LostDisk empties the disk of a node that is down and out of sync, and has it join again
	// under its id.
	LostDisk Kind = "lost-disk"
)

// Kinds lists the faults.
func Kinds() []Kind {
	return []Kind{KillOne, KillTwo, KillAll, Pause, Isolate, Unplug, OneWay, FromController, DiskFull, SyncErrors,
		PowerOne, PowerAll, BitFlips, Truncations, RollingRestart, Move, ElectFirst, Votes, LostDisk}
}

// ChangesMembers tells faults that need a quorum whose members can be changed while it runs.
func (k Kind) ChangesMembers() bool { return k == Votes || k == LostDisk }

// rots tells faults that damage what a node has synced.
func (k Kind) rots() bool { return k == BitFlips || k == Truncations }

// Asks tells what an administrator asks the cluster for: it has no victim.
func (k Kind) Asks() bool { return k == Move || k == ElectFirst }

// takes is how long a fault holds, from the least to the most. Kafka needs nine seconds to
// miss a broker that is silent.
func (k Kind) takes() (least, most time.Duration) {
	switch k {
	case Pause, Isolate, Unplug, OneWay, FromController:
		return 4 * time.Second, 15 * time.Second
	case BitFlips, Truncations, SyncErrors, DiskFull, ElectFirst, Votes:
		return 5 * time.Second, 12 * time.Second
	case Move:
		return 8 * time.Second, 20 * time.Second
	case RollingRestart, LostDisk:
		return 15 * time.Second, 25 * time.Second
	default:
		return 1 * time.Second, 12 * time.Second
	}
}
