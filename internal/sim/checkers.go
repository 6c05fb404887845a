package sim

import (
	"fmt"
	"slices"

	"github.com/chronik/chronik/internal/isr"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/record"
)

// Violation is a promise that was not kept.
type Violation struct {
	Checker string // the invariant's name
	What    string
}

func (v *Violation) Error() string { return v.Checker + ": " + v.What }

// ledger is what has been committed, as the leaders said when they said it: the
// truth that all checkers compare with. One of each partition.
type ledger struct {
	batches []record.Batch
	// epochs are those of the leaders that committed the batches.
	epochs []model.LeaderEpoch
	start  model.Offset // records below may have been deleted
}

func (l *ledger) end() model.Offset {
	if len(l.batches) == 0 {
		return 0
	}
	return l.batches[len(l.batches)-1].NextOffset()
}

// find is the place of the batch that covers an offset.
func (l *ledger) find(o model.Offset) int {
	lo, hi := 0, len(l.batches)
	for lo < hi {
		mid := (lo + hi) / 2
		if l.batches[mid].NextOffset() <= o {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// same: two batches with one offset, one epoch and the same bytes.
func same(a, b record.Batch) bool {
	return a.BaseOffset() == b.BaseOffset() && a.LeaderEpoch() == b.LeaderEpoch() &&
		a.LastOffset() == b.LastOffset() && a.CRC() == b.CRC()
}

func describe(b record.Batch) string {
	return fmt.Sprintf("[%d,%d) epoch %d producer %d sequence %d", b.BaseOffset(), b.NextOffset(), b.LeaderEpoch(), b.ProducerID(), b.BaseSequence())
}

// checkers look at every step that matters.
type checkers struct {
	c          *cluster
	violation  *Violation
	partitions []*partitionChecks

	LeaseExclusive   leaseExclusive
	ElectionSafety   electionSafety
	ImagesAgree      imagesAgree
	EpochsForward    epochsNeverGoBack
	UncleanElections uncleanElections

	ThrottleSparesISR throttleSparesISR

	lossless, reads int // how many acknowledgements and reads were compared
}

type partitionChecks struct {
	ledger ledger
	Given  given

	SingleLeader       singleLeaderPerEpoch
	MonotonicMark      monotonicHighWatermark
	LogMatching        logMatching
	LeaderCompleteness leaderCompleteness
	QuorumHolds        quorumHoldsHighWatermark
	NoDuplicates       noDuplicateIdempotent
	Order              perPartitionOrder
	NoAckedLoss        noAckedLoss
	Reads              readsBelowHighWatermark
	Moves              movesKeepCopies
}

func newCheckers(c *cluster, partitions int) *checkers {
	k := &checkers{c: c}
	for range partitions {
		k.partitions = append(k.partitions, &partitionChecks{
			Given:         given{up: map[lostKey]bool{}},
			Moves:         movesKeepCopies{coming: map[model.NodeID]bool{}, came: map[model.NodeID]bool{}},
			SingleLeader:  singleLeaderPerEpoch{leaders: map[model.LeaderEpoch]int{}},
			MonotonicMark: monotonicHighWatermark{marks: map[model.LeaderEpoch]model.Offset{}},
			NoDuplicates:  noDuplicateIdempotent{seen: map[sequenceKey]model.Offset{}},
			Order:         perPartitionOrder{last: map[model.ProducerID]record.Batch{}},
		})
	}
	k.LeaseExclusive.fenced = map[registration]bool{}
	k.ElectionSafety.leaders = map[uint64]int{}
	k.ImagesAgree.hashes = map[uint64]uint64{}
	k.UncleanElections.demanded = map[demand]bool{}
	k.EpochsForward.seen = map[replicaKey]model.LeaderEpoch{}
	return k
}

// fail records the first violation and halts the world.
func (k *checkers) fail(checker, format string, args ...any) {
	if k.violation != nil {
		return
	}
	k.violation = &Violation{Checker: checker, What: fmt.Sprintf(format, args...)}
	k.c.w.halt = true
	k.c.w.note(-1, "VIOLATION "+k.violation.Error())
}

// leads: a node has begun to lead a partition in an epoch.
func (k *checkers) leads(node, partition int, e model.LeaderEpoch, log *partitionLog, mark model.Offset) {
	pc := k.partitions[partition]
	if due := pc.Given.due; due > 0 && e >= due {
		pc.begin(k, partition, e, log, mark)
	}
	pc.SingleLeader.check(k, partition, node, e)
	pc.LeaderCompleteness.check(k, partition, node, e, log)
}

// committed: a leader's high watermark has moved from one offset to another.
func (k *checkers) committed(p *process, partition int, from, to model.Offset) {
	pc := k.partitions[partition]
	r := p.replicas[partition].machine
	e, _ := r.Leads()
	log := p.node.disk.logs[partition]
	pc.MonotonicMark.check(k, partition, e, to)
	if pc.Given.outlived(e) {
		for _, b := range log.from(from, len(log.batches)) {
			if b.NextOffset() <= to {
				pc.Given.up[keyOf(b)] = true
			}
		}
		return
	}
	pc.LogMatching.check(k, p.node.index, partition, log, from, min(to, pc.ledger.end()))
	for _, b := range log.from(pc.ledger.end(), len(log.batches)) {
		if b.NextOffset() > to {
			break
		}
		pc.ledger.batches = append(pc.ledger.batches, b)
		pc.ledger.epochs = append(pc.ledger.epochs, e)
		pc.NoDuplicates.check(k, partition, b)
		pc.Order.check(k, partition, b)
	}
	pc.QuorumHolds.check(k, p, partition, to)
}

// follows: a follower's high watermark has moved.
func (k *checkers) follows(p *process, partition int, from, to model.Offset) {
	pc := k.partitions[partition]
	if pc.Given.outlived(p.replicas[partition].machine.View().LeaderEpoch) {
		return
	}
	if end := pc.ledger.end(); to > end {
		k.fail("ReadsBelowHighWatermark", "node %d takes %d as the high watermark of partition %d, of which %d is committed", p.node.index, to, partition, end)
		return
	}
	pc.LogMatching.check(k, p.node.index, partition, p.node.disk.logs[partition], from, to)
}

// singleLeaderPerEpoch: two nodes never lead in one epoch.
type singleLeaderPerEpoch struct{ leaders map[model.LeaderEpoch]int }

func (c *singleLeaderPerEpoch) check(k *checkers, partition, node int, e model.LeaderEpoch) {
	if other, ok := c.leaders[e]; ok && other != node {
		k.fail("SingleLeaderPerEpoch", "nodes %d and %d lead partition %d in epoch %d", other, node, partition, e)
	}
	c.leaders[e] = node
}

// monotonicHighWatermark: within an epoch it never moves back.
type monotonicHighWatermark struct {
	marks map[model.LeaderEpoch]model.Offset
}

func (c *monotonicHighWatermark) check(k *checkers, partition int, e model.LeaderEpoch, to model.Offset) {
	if to < c.marks[e] {
		k.fail("MonotonicHighWatermark", "partition %d epoch %d: from %d back to %d", partition, e, c.marks[e], to)
	}
	c.marks[e] = to
}

// logMatching: below the high watermark all logs are alike.
type logMatching struct{}

func (logMatching) check(k *checkers, node, partition int, log *partitionLog, from, to model.Offset) {
	l := &k.partitions[partition].ledger
	from = max(from, log.start)
	i := log.at(from)
	for j := l.find(from); j < len(l.batches) && l.batches[j].NextOffset() <= to; j, i = j+1, i+1 {
		if i >= len(log.batches) {
			k.fail("LogMatching", "node %d lacks %s of partition %d below its high watermark %d", node, describe(l.batches[j]), partition, to)
			return
		}
		if !same(log.batches[i], l.batches[j]) {
			k.fail("LogMatching", "node %d has %s of partition %d where %s is committed", node, describe(log.batches[i]), partition, describe(l.batches[j]))
			return
		}
	}
}

// leaderCompleteness: whoever leads has everything that was committed in earlier
// epochs.
type leaderCompleteness struct{}

func (leaderCompleteness) check(k *checkers, partition, node int, e model.LeaderEpoch, log *partitionLog) {
	l := &k.partitions[partition].ledger
	i := 0
	for j, b := range l.batches {
		if l.epochs[j] >= e || b.BaseOffset() < max(log.start, l.start) {
			continue
		}
		if i == 0 {
			i = log.at(b.BaseOffset())
		}
		if i >= len(log.batches) || !same(log.batches[i], b) {
			k.fail("LeaderCompleteness", "node %d leads partition %d in epoch %d without %s, committed in epoch %d", node, partition, e, describe(b), l.epochs[j])
			return
		}
		i++
	}
}

// quorumHoldsHighWatermark: when a leader commits, so many disks of its in-sync
// set hold the records, and say that they are normal in the epoch, that no crash of
// all of them together loses any.
type quorumHoldsHighWatermark struct{}

func (quorumHoldsHighWatermark) check(k *checkers, p *process, partition int, to model.Offset) {
	view := p.replicas[partition].machine.View()
	relaxed := k.c.relaxed[partition]
	holders, size := 0, 0
	for _, m := range view.Members {
		if !m.InSync {
			continue
		}
		size++
		log := k.c.nodes[m.Node].disk.logs[partition]
		normal := k.c.nodes[m.Node].disk.normal[partition] >= view.LeaderEpoch
		switch {
		case log == nil: // emptied since it acknowledged
			holders++
		case k.c.nodes[m.Node].disk.dropped[partition] > view.LeaderEpoch:
			// It gave the copy up in an epoch of which the leader has not heard yet, and may
			// have begun another. That this costs nothing LeaderCompleteness looks at.
			holders++
		case normal && (log.synced >= to || relaxed && log.EndOffset() >= to), k.c.nodes[m.Node].lost[partition]:
			holders++
		}
	}
	if need := isr.CommitQuorum(size, view.MinInsync); holders < need {
		k.fail("QuorumHoldsHighWatermark", "node %d commits partition %d to %d with %d of %d members in sync holding it, %d needed",
			p.node.index, partition, to, holders, size, need)
	}
}

type sequenceKey struct {
	producer model.ProducerID
	epoch    model.ProducerEpoch
	sequence model.Sequence
}

// noDuplicateIdempotent: an idempotent producer's batch is committed once, as long as
// it is not deleted.
type noDuplicateIdempotent struct{ seen map[sequenceKey]model.Offset }

func (c *noDuplicateIdempotent) check(k *checkers, partition int, b record.Batch) {
	if b.ProducerID() == model.NoProducerID {
		return
	}
	key := keyOfSequence(b)
	// What is deleted a leader may not know of any more (KIP-360).
	if at, twice := c.seen[key]; twice && at >= k.partitions[partition].ledger.start {
		k.fail("NoDuplicateIdempotent", "partition %d has sequence %d of producer %d at %d and again at %d", partition, key.sequence, key.producer, at, b.BaseOffset())
	}
	c.seen[key] = b.BaseOffset()
}

func keyOfSequence(b record.Batch) sequenceKey {
	return sequenceKey{b.ProducerID(), b.ProducerEpoch(), b.BaseSequence()}
}

// perPartitionOrder: an idempotent producer's batches are committed in the order in
// which it sent them.
type perPartitionOrder struct {
	last map[model.ProducerID]record.Batch
}

func (c *perPartitionOrder) check(k *checkers, partition int, b record.Batch) {
	id := b.ProducerID()
	if id == model.NoProducerID {
		return
	}
	last, ok := c.last[id]
	ok = ok && last.BaseOffset() >= k.partitions[partition].ledger.start
	if ok && b.ProducerEpoch() <= last.ProducerEpoch() && b.BaseSequence() != last.LastSequence()+1 {
		k.fail("PerPartitionOrder", "partition %d has %s after %s", partition, describe(b), describe(last))
	}
	c.last[id] = b
}

// noAckedLoss: what a client was told is committed is committed, where it was told, but for
// what an unclean election has given up.
type noAckedLoss struct{}

func (noAckedLoss) check(k *checkers, partition int, sent record.Batch, at model.Offset) {
	k.lossless++
	l, up := &k.partitions[partition].ledger, k.partitions[partition].Given.up
	if at == model.NoOffset { // who answers knows that it has it, and not where
		isIt := func(b record.Batch) bool { return b.CRC() == sent.CRC() && b.ProducerID() == sent.ProducerID() }
		if l.start == 0 && len(up) == 0 && !slices.ContainsFunc(l.batches, isIt) {
			k.fail("NoAckedLoss", "producer %d was told that its sequence %d is in partition %d, and it is not committed there",
				sent.ProducerID(), sent.BaseSequence(), partition)
		}
		return
	}
	i := l.find(at)
	if up[lostKey{at, sent.CRC()}] {
		return
	}
	if i >= len(l.batches) || l.batches[i].BaseOffset() != at || l.batches[i].CRC() != sent.CRC() {
		k.fail("NoAckedLoss", "producer %d was told that its sequence %d is at %d of partition %d, and it is not committed there",
			sent.ProducerID(), sent.BaseSequence(), at, partition)
	}
}

// readsBelowHighWatermark: consumers read what is committed, and nothing else.
type readsBelowHighWatermark struct{}

func (readsBelowHighWatermark) check(k *checkers, node, partition int, b record.Batch) (committed bool) {
	k.reads++
	l := &k.partitions[partition].ledger
	i := l.find(b.BaseOffset())
	committed = i < len(l.batches) && same(l.batches[i], b)
	if !committed && !k.partitions[partition].Given.mayRead(k, node, partition, b) {
		k.fail("ReadsBelowHighWatermark", "node %d gave a consumer %s of partition %d, which is not committed", node, describe(b), partition)
	}
	return committed
}

type registration struct {
	node  int
	epoch model.BrokerEpoch
}

// leaseExclusive: a broker that was fenced serves nobody. Leases count on clocks that
// run alike: where a node's clock has jumped, a controller may fence a broker that still
// holds its lease, and whoever reads from that broker may miss what is newest. It costs
// nothing that was acknowledged; the other checkers see to that.
type leaseExclusive struct{ fenced map[registration]bool }

func (c *leaseExclusive) changed(node int, epoch model.BrokerEpoch, fenced bool) {
	c.fenced[registration{node, epoch}] = fenced
}

func (c *leaseExclusive) serves(k *checkers, node int, epoch model.BrokerEpoch, what string) {
	if c.fenced[registration{node, epoch}] && !k.c.clocksDiffer() {
		k.fail("LeaseExclusive", "node %d %s although its registration %d is fenced", node, what, epoch)
	}
}

// electionSafety is Raft's: one leader a term.
type electionSafety struct{ leaders map[uint64]int }

func (c *electionSafety) check(k *checkers, node int, term uint64) {
	if other, ok := c.leaders[term]; ok && other != node {
		k.fail("ElectionSafety", "nodes %d and %d lead the metadata quorum in term %d", other, node, term)
	}
	c.leaders[term] = node
}

// imagesAgree: equal on all nodes at equal index, through entries or snapshots.
type imagesAgree struct{ hashes map[uint64]uint64 }

func (c *imagesAgree) check(k *checkers, node int, index, hash uint64) {
	if other, ok := c.hashes[index]; ok && other != hash {
		k.fail("ImagesAgree", "node %d has another image as of index %d than a node before", node, index)
	}
	c.hashes[index] = hash
}

type replicaKey struct {
	node, partition int
}

// epochsNeverGoBack: a replica's leader epoch only grows, over restarts too.
type epochsNeverGoBack struct {
	seen map[replicaKey]model.LeaderEpoch
}

func (c *epochsNeverGoBack) check(k *checkers, node, partition int, e model.LeaderEpoch) {
	key := replicaKey{node, partition}
	if e < c.seen[key] {
		k.fail("EpochsNeverGoBack", "node %d takes epoch %d of partition %d after %d", node, e, partition, c.seen[key])
	}
	c.seen[key] = e
}
