package quorum

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.etcd.io/raft/v3/raftpb"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

// Proposal is a command to be decided.
type Proposal struct {
	Token   any
	Command controller.Command
	// Term, where it is not 0, is the only one in which the command may be decided.
	// What the active controller wants by itself rests on what it heard in its term: a
	// later one, of the same node even, may have told a broker something else.
	Term uint64
}

// decision gathers commands into one entry.
type decision struct {
	image   *meta.Image // with the records so far
	env     controller.Env
	names   []string
	records []byte
	// Replies for when the entry is committed. Those before the first record
	// follow from what is committed already, and need no entry.
	replies []Reply
	ready   []Reply
}

// Decide decides commands one after another on the image, each on what those
// before it have left, and proposes one entry with all their records. It may be
// called when CanDecide says so; env.Index and env.Voters are filled in. It returns the replies
// that need not wait for the entry, and the proposals that did not fit into it.
func (m *Machine) Decide(proposals []Proposal, env controller.Env) (ready []Reply, left []Proposal) {
	if !m.CanDecide() {
		panic("quorum: decided while it could not")
	}
	env.Index, env.Voters = m.applied+1, m.Members().Voters
	d := decision{image: m.image, env: env}
	for i, p := range proposals {
		if p.Term != 0 && p.Term != m.term {
			d.reply(Reply{Token: p.Token, Err: &NotLeaderError{Leader: m.Leader()}})
			continue
		}
		if !d.add(p) {
			left = proposals[i:]
			break
		}
	}
	if len(d.names) == 0 {
		return d.ready, left
	}
	if err := m.node.Propose(appendEntry(d.names, d.records)); err != nil {
		for _, r := range d.replies {
			d.ready = append(d.ready, Reply{Token: r.Token, Err: &NotLeaderError{Leader: m.Leader()}})
		}
		return d.ready, left
	}
	m.pending = &proposal{index: env.Index, term: m.term, kind: raftpb.EntryNormal, replies: d.replies}
	return d.ready, left
}

// add decides one command; false where the entry has no room for it.
func (d *decision) add(p Proposal) bool {
	records, result, err := p.Command.Decide(d.image, d.env)
	if err != nil || len(records) == 0 {
		d.reply(Reply{p.Token, result, err})
		return true
	}
	encoded := meta.AppendRecords(nil, records, d.image.Version)
	switch {
	case len(encoded) > entryBytesMax:
		d.reply(Reply{Token: p.Token, Err: wire.Errorf(kerr.PolicyViolation,
			"%s would make %d bytes of metadata at once, and the limit is %d; split it", p.Command.Name(), len(encoded), entryBytesMax)})
		return true
	case len(d.records)+len(encoded) > entryBytesMax:
		return false
	}
	next, err := d.image.After(records, d.env.Index)
	if needed, ok := errors.AsType[*meta.VersionNeededError](err); ok {
		d.reply(Reply{Token: p.Token, Err: wire.Errorf(kerr.UnsupportedVersion, "%s: %s", p.Command.Name(), needed)})
		return true
	}
	if err != nil {
		// A decision's records fit its image, or the decision is wrong.
		d.reply(Reply{Token: p.Token, Err: fmt.Errorf("decide %s: %w", p.Command.Name(), err)})
		return true
	}
	d.image = next
	d.names = append(d.names, p.Command.Name())
	d.records = append(d.records, encoded...)
	d.reply(Reply{Token: p.Token, Result: result})
	return true
}

func (d *decision) reply(r Reply) {
	if len(d.names) == 0 {
		d.ready = append(d.ready, r)
		return
	}
	d.replies = append(d.replies, r)
}
