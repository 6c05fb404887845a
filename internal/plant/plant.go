// Package plant switches protocol mistakes on, one at a time, to show that the
// simulator's faults and checkers find each of them. Builds without the tag
// `plant` have none of it: On is a constant false there, and the compiler drops
// what hangs on it.
package plant

import "slices"

// Bug names a mistake.
type Bug string

// The mistakes, by where they are made. Table says what each is.
const (
	// Commit.

	AckBeforeQuorum         Bug = "ack-before-quorum"
	HighWatermarkNewISROnly Bug = "hw-new-isr-only"
	HighWatermarkOldISROnly Bug = "hw-old-isr-only"
	LeaderCountsUnsynced    Bug = "leader-counts-unsynced"
	FollowerAcksUnsynced    Bug = "follower-acks-unsynced"
	CountBeforeNormal       Bug = "count-before-normal"
	LeaderNormalNotSaved    Bug = "leader-normal-not-saved"
	NormalBeforeSynced      Bug = "normal-before-synced"
	PendingForgotten        Bug = "pending-forgotten"

	// In-sync set.

	ExpandBelowFloor      Bug = "expand-below-floor"
	ShrinkBelowFloor      Bug = "shrink-below-floor"
	ReadmitBelowFloor     Bug = "readmit-below-floor"
	StaleIncarnationJoins Bug = "stale-incarnation-joins"
	PartitionEpochIgnored Bug = "partition-epoch-ignored"
	LostDroppedAtOnce     Bug = "lost-dropped-at-once"
	EpochKeptOnRemoval    Bug = "epoch-kept-on-removal"
	ThrottleStarvesISR    Bug = "throttle-starves-isr"

	// Moves.

	DropBeforeCaughtUp Bug = "drop-before-caught-up"
	SecondMoveForgets  Bug = "second-move-forgets"

	// Followers.

	NormalNotPersisted      Bug = "normal-not-persisted"
	NormalAtTruncation      Bug = "normal-at-truncation"
	PromiseBroken           Bug = "promise-broken"
	StaleStreamAccepted     Bug = "stale-stream-accepted"
	TruncateToHighWatermark Bug = "truncate-to-hw"
	NewerEpochAppended      Bug = "newer-epoch-appended"
	GapAppended             Bug = "gap-appended"
	EpochStartNotRecorded   Bug = "epoch-start-not-recorded"
	MarkKeptAtCut           Bug = "mark-kept-at-cut"

	// Elections.

	AnswerBeforeApplied     Bug = "answer-before-applied"
	OneAnswerElects         Bug = "one-answer-elects"
	MinInsyncInElection     Bug = "min-insync-in-election"
	LastRecordEpochCompared Bug = "last-record-epoch-compared"
	FirstInISRElected       Bug = "first-in-isr-elected"
	FirstElectedRegardless  Bug = "first-elected-regardless"
	EmptiedDiskAnswers      Bug = "emptied-disk-answers"
	UncleanRebootAnswers    Bug = "unclean-reboot-answers"
	OldIncarnationLeads     Bug = "old-incarnation-leads"
	UncleanWhileClean       Bug = "unclean-while-clean"
	UncleanOutOfSync        Bug = "unclean-out-of-sync"

	// Clients.

	LeaseIgnored           Bug = "lease-ignored"
	ReadAboveHighWatermark Bug = "read-above-hw"
	SequenceWindowOfOne    Bug = "sequence-window-of-one"

	// Metadata.

	SnapshotLacksLost Bug = "snapshot-lacks-lost"
	VoteNotSynced     Bug = "vote-not-synced"
	EntriesNotSynced  Bug = "entries-not-synced"
)

// Row is a mistake and what it does wrong.
type Row struct {
	Bug  Bug
	What string
}

// Table lists them all.
func Table() []Row {
	return []Row{
		// Commit.
		{AckBeforeQuorum, "moves the high watermark with the leader alone"},
		{HighWatermarkNewISROnly, "forgets the old set while a change is on its way"},
		{HighWatermarkOldISROnly, "forgets the proposed set while a change is on its way"},
		{LeaderCountsUnsynced, "counts what the leader has written, not what it has synced"},
		{FollowerAcksUnsynced, "acknowledges what a follower has written, not what it has synced"},
		{CountBeforeNormal, "counts followers that are not normal in the epoch"},
		{LeaderNormalNotSaved, "lets a leader commit before its own normal epoch is durable"},
		{NormalBeforeSynced, "makes a leader normal before what it was elected for is synced"},
		{PendingForgotten, "drops a proposed set when no answer comes in time"},

		// In-sync set.
		{ExpandBelowFloor, "lets a follower in that lacks what an earlier leader may have committed"},
		{ShrinkBelowFloor, "drops a member although the rest lacks what is committed"},
		{ReadmitBelowFloor, "clears a lost member's mark before it holds everything again"},
		{StaleIncarnationJoins, "lets a follower's earlier run into the set"},
		{PartitionEpochIgnored, "decides on a proposal that another change has overtaken"},
		{LostDroppedAtOnce, "takes a member with an emptied disk out of the set at its registration"},

		{EpochKeptOnRemoval, "lets a leader go on in its epoch when a replica has been dropped"},
		{ThrottleStarvesISR, "has a replication throttle hold back members of the set as well"},

		// Moves.
		{DropBeforeCaughtUp, "drops replicas that go before those that come are in sync"},
		{SecondMoveForgets, "takes what a move is adding for what was there, when another move takes its place"},

		// Followers.
		{NormalNotPersisted, "keeps the normal epoch in memory only"},
		{NormalAtTruncation, "makes a follower normal before it has what its leader had when elected"},
		{PromiseBroken, "takes data from a leader of an older epoch"},
		{StaleStreamAccepted, "takes messages of a stream that has been replaced"},
		{TruncateToHighWatermark, "cuts to the high watermark, not to where the logs diverge (KIP-101)"},
		{NewerEpochAppended, "appends batches of an epoch newer than the stream's"},
		{GapAppended, "appends a batch that does not follow the end of the log"},
		{EpochStartNotRecorded, "does not keep where an epoch begins"},
		{MarkKeptAtCut, "keeps a follower's high watermark when its log is cut below it"},

		// Elections.
		{AnswerBeforeApplied, "answers an election's question before the epoch is applied"},
		{OneAnswerElects, "elects with a single answer"},
		{MinInsyncInElection, "counts the answers needed from the commit quorum"},
		{LastRecordEpochCompared, "ranks answers by the last record's epoch, not the normal epoch"},
		{FirstInISRElected, "elects the first that answers in ISR order"},
		{FirstElectedRegardless, "elects the first replica, where that is asked for, whatever it holds"},
		{EmptiedDiskAnswers, "takes a member back whose disk was emptied"},
		{UncleanRebootAnswers, "takes a member back that may have lost unsynced data"},
		{OldIncarnationLeads, "leaves a leader in place whose process has restarted"},
		{UncleanWhileClean, "holds an unclean election while a clean one is possible"},
		{UncleanOutOfSync, "elects a replica out of sync, uncleanly, though a member in sync is there"},

		// Clients.
		{LeaseIgnored, "serves although the controller has not been heard of"},
		{ReadAboveHighWatermark, "lets consumers read what is not committed"},
		{SequenceWindowOfOne, "remembers one batch a producer, not five (KIP-98)"},

		// Metadata.
		{SnapshotLacksLost, "leaves the lost members out of metadata snapshots"},
		{VoteNotSynced, "answers a candidate before the vote is durable"},
		{EntriesNotSynced, "acknowledges metadata entries before they are durable"},
	}
}

// Known reports whether a mistake of this name is in the table.
func Known(b Bug) bool {
	return slices.ContainsFunc(Table(), func(r Row) bool { return r.Bug == b })
}
