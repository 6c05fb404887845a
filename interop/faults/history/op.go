package history

import "time"

// Kind is what a client did.
type Kind string

// The kinds, and the fields that they use beside the times and the client.
const (
	// Produce is one record that was sent: Partition, Value, Sequence, Outcome, and
	// Offset where it was acknowledged.
	Produce Kind = "produce"
	// Read is what one poll of a consumer brought from one partition: Partition, Session,
	// Records.
	Read Kind = "read"
	// Final is a read of the reader that comes last, when everything is at rest. What
	// it read is the log that all else is compared with.
	Final Kind = "final"
	// End is the end of a partition as the last reader was told it: Partition, Offset.
	End Kind = "end"
	// Commit is an offset that a member of the group committed: Partition, Offset,
	// Outcome.
	Commit Kind = "commit"
	// Committed is the group's offset as it was asked for: Partition, Offset (-1: none).
	Committed Kind = "committed"
	// Trouble is an error that a consumer was told, which it goes on after: Note.
	Trouble Kind = "trouble"
)

// Outcome is what a client knows of what it asked for.
type Outcome string

const (
	// Acked is acknowledged.
	Acked Outcome = "acked"
	// Unknown is given up by the client: done or not.
	Unknown Outcome = "unknown"
	// Pending was neither acknowledged nor given up when the run ended, long after the
	// last fault.
	Pending Outcome = "pending"
)

// NoOffset stands where a client was not told an offset.
const NoOffset = -1

// Op is one operation of one client. Times are of the machine's monotonic clock
// (CLOCK_MONOTONIC), which the processes of a machine share.
type Op struct {
	Began  time.Duration `json:"began"`
	Ended  time.Duration `json:"ended"`
	Client string        `json:"client"`
	Kind   Kind          `json:"kind"`

	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`

	// Value is unique in a run. Sequence counts what the client has sent to the partition.
	Value    string  `json:"value,omitempty"`
	Sequence int64   `json:"sequence,omitempty"`
	Outcome  Outcome `json:"outcome,omitempty"`

	// Session is new whenever a consumer begins anew at an offset, where its offsets
	// may go back.
	Session int64    `json:"session,omitempty"`
	Records []Record `json:"records,omitempty"`

	Note string `json:"note,omitempty"`
}

// Record is a record as a consumer got it.
type Record struct {
	Offset int64  `json:"o"`
	Value  string `json:"v"`
}
