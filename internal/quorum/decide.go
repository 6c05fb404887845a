package quorum

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/wire"
)

// decision gathers commands into one entry.
type decision struct {
	image   *meta.Image // with the records so far
	env     controller.Env
	names   []string
	records []byte
	// Replies for when the entry is committed. Those before the first record
	// follow from what is committed already, and need no entry.
	replies []reply
	ready   []reply
}

// decide decides requests one after another on the image, each on what those
// before it have left, and proposes one entry with all their records. It returns
// the replies that need not wait for the entry, and the requests that did not
// fit into it.
func (c *core) decide(requests []*request, env controller.Env) (ready []reply, left []*request) {
	d := decision{image: c.image, env: env}
	for i, r := range requests {
		if r.ctx.Err() != nil {
			continue // nobody waits
		}
		if !d.add(r) {
			left = requests[i:]
			break
		}
	}
	if len(d.names) == 0 {
		return d.ready, left
	}
	if err := c.node.Propose(appendEntry(d.names, d.records)); err != nil {
		for i := range d.replies {
			d.replies[i].answer = answer{err: &NotLeaderError{Leader: c.leaderNode()}}
		}
		return append(d.ready, d.replies...), left
	}
	c.pending = &proposal{index: env.Index, term: c.term, replies: d.replies}
	return d.ready, left
}

// add decides one request; false where the entry has no room for it.
func (d *decision) add(r *request) bool {
	records, result, err := r.command.Decide(d.image, d.env)
	if err != nil || len(records) == 0 {
		d.reply(r, answer{result, err})
		return true
	}
	encoded := meta.AppendRecords(nil, records)
	switch {
	case len(encoded) > entryBytesMax:
		d.reply(r, answer{err: wire.Errorf(kerr.PolicyViolation,
			"%s would make %d bytes of metadata at once, and the limit is %d; split it", r.command.Name(), len(encoded), entryBytesMax)})
		return true
	case len(d.records)+len(encoded) > entryBytesMax:
		return false
	}
	next, err := d.image.After(records, d.env.Index)
	if err != nil {
		// A decision's records fit its image, or the decision is wrong.
		d.reply(r, answer{err: fmt.Errorf("decide %s: %w", r.command.Name(), err)})
		return true
	}
	d.image = next
	d.names = append(d.names, r.command.Name())
	d.records = append(d.records, encoded...)
	d.reply(r, answer{result: result})
	return true
}

func (d *decision) reply(r *request, a answer) {
	if len(d.names) == 0 {
		d.ready = append(d.ready, reply{r, a})
		return
	}
	d.replies = append(d.replies, reply{r, a})
}
