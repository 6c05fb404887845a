// Package plant switches protocol mistakes on, one at a time, to show that the
// simulator's faults and checkers find each of them. Builds without the tag
// `plant` have none of it: On is a constant false there, and the compiler drops
// what hangs on it.
package plant

// Bug names a mistake.
type Bug string

// The mistakes, by where they are made.
const (
	// Commit.

	// AckBeforeQuorum moves the high watermark with the leader alone.
	AckBeforeQuorum Bug = "ack-before-quorum"
	// HighWatermarkNewISROnly forgets the old set while a change is on its way.
	HighWatermarkNewISROnly Bug = "hw-new-isr-only"
	// HighWatermarkOldISROnly forgets the proposed set while a change is on its way.
	HighWatermarkOldISROnly Bug = "hw-old-isr-only"
	// LeaderCountsUnsynced counts what the leader has written, not what it has synced.
	LeaderCountsUnsynced Bug = "leader-counts-unsynced"
	// FollowerAcksUnsynced acknowledges what a follower has written, not what it has synced.
	FollowerAcksUnsynced Bug = "follower-acks-unsynced"
	// CountBeforeNormal counts followers that are not normal in the epoch.
	CountBeforeNormal Bug = "count-before-normal"
	// LeaderNormalNotSaved lets a leader commit before its own normal epoch is durable.
	LeaderNormalNotSaved Bug = "leader-normal-not-saved"
	// PendingForgotten drops a proposed set when no answer comes in time.
	PendingForgotten Bug = "pending-forgotten"

	// In-sync set.

	// ExpandBelowFloor lets a follower in that lacks what an earlier leader may have committed.
	ExpandBelowFloor Bug = "expand-below-floor"
	// ShrinkBelowFloor drops a member although the rest lacks what is committed.
	ShrinkBelowFloor Bug = "shrink-below-floor"
	// ReadmitBelowFloor clears a lost member's mark before it holds everything again.
	ReadmitBelowFloor Bug = "readmit-below-floor"
	// StaleIncarnationJoins lets a follower's earlier run into the set.
	StaleIncarnationJoins Bug = "stale-incarnation-joins"
	// PartitionEpochIgnored decides on a proposal that another change has overtaken.
	PartitionEpochIgnored Bug = "partition-epoch-ignored"
	// LostDroppedAtOnce takes a member with an emptied disk out of the set at its registration.
	LostDroppedAtOnce Bug = "lost-dropped-at-once"

	// Followers.

	// NormalNotPersisted keeps the normal epoch in memory only.
	NormalNotPersisted Bug = "normal-not-persisted"
	// NormalAtTruncation makes a follower normal before it has what its leader had when elected.
	NormalAtTruncation Bug = "normal-at-truncation"
	// PromiseBroken takes data from a leader of an older epoch.
	PromiseBroken Bug = "promise-broken"
	// StaleStreamAccepted takes messages of a stream that has been replaced.
	StaleStreamAccepted Bug = "stale-stream-accepted"
	// TruncateToHighWatermark cuts to the high watermark, not to where the logs diverge (KIP-101).
	TruncateToHighWatermark Bug = "truncate-to-hw"
	// NewerEpochAppended appends batches of an epoch newer than the stream's.
	NewerEpochAppended Bug = "newer-epoch-appended"
	// GapAppended appends a batch that does not follow the end of the log.
	GapAppended Bug = "gap-appended"
	// EpochStartNotRecorded does not keep where an epoch begins.
	EpochStartNotRecorded Bug = "epoch-start-not-recorded"

	// Elections.

	// AnswerBeforeApplied answers an election's question before the epoch is applied.
	AnswerBeforeApplied Bug = "answer-before-applied"
	// OneAnswerElects elects with a single answer.
	OneAnswerElects Bug = "one-answer-elects"
	// MinInsyncInElection counts the answers needed from the commit quorum.
	MinInsyncInElection Bug = "min-insync-in-election"
	// LastRecordEpochCompared ranks answers by the last record's epoch, not the normal epoch.
	LastRecordEpochCompared Bug = "last-record-epoch-compared"
	// FirstInISRElected elects the first that answers in ISR order.
	FirstInISRElected Bug = "first-in-isr-elected"
	// EmptiedDiskAnswers takes a member back whose disk was emptied.
	EmptiedDiskAnswers Bug = "emptied-disk-answers"
	// UncleanRebootAnswers takes a member back that may have lost unsynced data.
	UncleanRebootAnswers Bug = "unclean-reboot-answers"
	// OldIncarnationLeads leaves a leader in place whose process has restarted.
	OldIncarnationLeads Bug = "old-incarnation-leads"

	// Clients.

	// LeaseIgnored serves although the controller has not been heard of.
	LeaseIgnored Bug = "lease-ignored"
	// ReadAboveHighWatermark lets consumers read what is not committed.
	ReadAboveHighWatermark Bug = "read-above-hw"
	// SequenceWindowOfOne remembers one batch a producer, not five (KIP-98).
	SequenceWindowOfOne Bug = "sequence-window-of-one"

	// Metadata.

	// SnapshotLacksLost leaves the lost members out of metadata snapshots.
	SnapshotLacksLost Bug = "snapshot-lacks-lost"
	// VoteNotSynced answers a candidate before the vote is durable.
	VoteNotSynced Bug = "vote-not-synced"
	// EntriesNotSynced acknowledges metadata entries before they are durable.
	EntriesNotSynced Bug = "entries-not-synced"
)

// Bugs lists them all.
func Bugs() []Bug {
	return []Bug{
		AckBeforeQuorum, HighWatermarkNewISROnly, HighWatermarkOldISROnly, LeaderCountsUnsynced, FollowerAcksUnsynced,
		CountBeforeNormal, LeaderNormalNotSaved, PendingForgotten,
		ExpandBelowFloor, ShrinkBelowFloor, ReadmitBelowFloor, StaleIncarnationJoins, PartitionEpochIgnored, LostDroppedAtOnce,
		NormalNotPersisted, NormalAtTruncation, PromiseBroken, StaleStreamAccepted, TruncateToHighWatermark, NewerEpochAppended,
		GapAppended, EpochStartNotRecorded,
		AnswerBeforeApplied, OneAnswerElects, MinInsyncInElection, LastRecordEpochCompared, FirstInISRElected,
		EmptiedDiskAnswers, UncleanRebootAnswers, OldIncarnationLeads,
		LeaseIgnored, ReadAboveHighWatermark, SequenceWindowOfOne,
		SnapshotLacksLost, VoteNotSynced, EntriesNotSynced,
	}
}
