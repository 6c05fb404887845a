package membership

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/wire"
)

// Roster changes who is of the cluster: where this node leads the metadata quorum, and
// else every method is a *quorum.NotLeaderError. A node is of the cluster in two lists:
// its registration is in the metadata, and it is a member of the quorum, a learner or a
// voter. They change one after the other, in an order in which a crash between the two
// is mended by the same request given again:
//
//	join         registered, then a learner. A crash between: registered, and silent.
//	             An emptied learner is removed first, as its progress is that of a log
//	             that does not exist any more.
//	add voter    one change: a learner that has caught up is promoted.
//	remove voter one change: a voter is a learner again.
//	unregister   unregistered, then removed from the learners. A crash between: a
//	             learner that nobody needs.
//
// A voter's emptied directory is never let in: its vote and what it has acknowledged
// are lost with it (Ongaro's dissertation, 11.7.1). Its vote is taken away first, which
// the other voters agree on.
//
// Its methods may be called concurrently; one change is made at a time.
type Roster struct {
	quorum *quorum.Quorum
	logger *slog.Logger
	turn   chan struct{} // capacity 1: in it while a change is made
}

// newRoster returns a Roster.
func newRoster(q *quorum.Quorum, logger *slog.Logger) *Roster {
	return &Roster{quorum: q, logger: logger, turn: make(chan struct{}, 1)}
}

// changeAgainAfter is when a change is tried again that the quorum was not ready for.
const changeAgainAfter = 50 * time.Millisecond

// awayPatience is how long voters are waited for that have not answered of late: raft forgets
// every election timeout who has, and a new leader has heard of nobody.
const awayPatience = 2 * time.Second

// Joining is a node that asks to be let in.
type Joining struct {
	Registration controller.RegisterBroker
	// Empty: it has no metadata log.
	Empty bool
}

// Joined is what a node learns that was let in.
type Joined struct {
	// Addresses are where the other nodes are.
	Addresses map[model.NodeID]string
}

// Join lets a node in, as a broker without a vote. What is refused for now is a
// kerr.NotController; another *wire.Error is final.
func (r *Roster) Join(ctx context.Context, j Joining) (joined *Joined, err error) {
	err = r.change(ctx, func(image *meta.Image) error {
		if err := r.letIn(ctx, j, image); err != nil {
			return err
		}
		joined = &Joined{Addresses: make(map[model.NodeID]string)}
		for b := range image.Brokers.All() {
			if b.ClusterAddress != "" {
				joined.Addresses[b.ID] = b.ClusterAddress
			}
		}
		return nil
	})
	return joined, err
}

func (r *Roster) letIn(ctx context.Context, j Joining, image *meta.Image) error {
	node, members := j.Registration.Node, r.quorum.Members()
	voter, learner := slices.Contains(members.Voters, node) || slices.Contains(members.Leaving, node), slices.Contains(members.Learners, node)
	before := image.Brokers.ByID(node)
	other := before == nil || before.Directory != j.Registration.Directory
	switch {
	case image.ClusterID == "":
		return wire.Errorf(kerr.NotController, "the cluster has just begun")
	case voter && !j.Empty:
		return nil
	case image.Version < meta.Version2: // whose registrations have no addresses
		return wire.Errorf(kerr.NotController, "%s", &meta.VersionNeededError{Needed: meta.Version2, InForce: image.Version})
	case voter && j.Empty:
		return wire.Errorf(kerr.InvalidRegistration, "%s", Emptied(node))
	case before != nil && before.Incarnation != j.Registration.Incarnation && !before.Fenced:
		return wire.Errorf(kerr.NotController, "another run of node %d is there, or was a moment ago; stop it, or give this one a --node-id of its own", node)
	}
	if learner && other {
		if err := r.quorum.ChangeMembers(ctx, quorum.Change{Remove: []model.NodeID{node}}); err != nil {
			return err
		}
		learner = false
	}
	register := j.Registration
	register.Previous = 0
	if before != nil {
		register.Previous = before.Epoch
	}
	if before == nil || before.Incarnation != register.Incarnation {
		r.logger.Info("A node joins the cluster", "node", node, "address", register.ClusterAddress, "empty", j.Empty)
	}
	if _, err := r.quorum.Submit(ctx, register); err != nil || learner {
		return err
	}
	return r.quorum.ChangeMembers(ctx, quorum.Change{Learn: []model.NodeID{node}})
}

// Emptied is why a voter is not let in that has lost its data directory, and what is to be
// done about it.
func Emptied(node model.NodeID) string {
	return fmt.Sprintf("node %[1]d is a voter, and comes with an empty data directory: its vote is lost with the old one; start it with that, "+
		"or take its vote (kafka-metadata-quorum remove-controller, chronik-server quorum remove-controller --controller-id %[1]d) and start it again, without --bootstrap", node)
}

// AddVoter gives a learner a vote, once it has caught up with the metadata; directory is
// the id of the data directory that it is meant to have, zero: whichever. Adding a voter
// again is kerr.DuplicateVoter.
func (r *Roster) AddVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error {
	for {
		err := r.addVoter(ctx, node, directory)
		if !errors.Is(err, quorum.ErrNotCaughtUp) {
			return err
		}
		select { // others may have their turn: it may have to join first
		case <-time.After(changeAgainAfter):
		case <-ctx.Done():
			return wire.Errorf(kerr.RequestTimedOut, "node %d has not caught up with the metadata", node)
		}
	}
}

func (r *Roster) addVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error {
	return r.change(ctx, func(image *meta.Image) error {
		members := r.quorum.Members()
		b := image.Brokers.ByID(node)
		switch {
		case slices.Contains(members.Voters, node):
			return wire.Errorf(kerr.DuplicateVoter, "node %d is a voter already", node)
		case !slices.Contains(members.Learners, node) || b == nil:
			return wire.Errorf(kerr.VoterNotFound, "node %d is not of the cluster; start it first, with --peers that name any of its nodes", node)
		case !directory.IsZero() && directory != b.Directory:
			return wire.Errorf(kerr.InvalidRequest, "the data directory of node %d is %s, not %s", node, b.Directory, directory)
		}
		return r.quorum.ChangeMembers(ctx, quorum.Change{Promote: []model.NodeID{node}})
	})
}

// RemoveVoter takes a voter's vote; it goes on as a broker without. A node that is none,
// or has another directory, is kerr.VoterNotFound. The leader hands its office on first,
// and is none then: whoever leads next has to be asked.
func (r *Roster) RemoveVoter(ctx context.Context, node model.NodeID, directory model.DirectoryID) error {
	return r.change(ctx, func(image *meta.Image) error {
		b := image.Brokers.ByID(node)
		switch {
		case !slices.Contains(r.quorum.Members().Voters, node):
			return wire.Errorf(kerr.VoterNotFound, "node %d is not a voter", node)
		case !directory.IsZero() && b != nil && directory != b.Directory:
			return wire.Errorf(kerr.VoterNotFound, "the data directory of node %d is %s, not %s", node, b.Directory, directory)
		case len(r.quorum.Members().Voters) == 1:
			return wire.Errorf(kerr.InvalidRequest, "node %d is the last voter; add another one first", node)
		}
		err := r.quorum.ChangeMembers(ctx, quorum.Change{Demote: []model.NodeID{node}})
		if errors.Is(err, quorum.ErrRemoveLeader) {
			return r.yield(ctx)
		}
		return err
	})
}

// yield hands the office on; that it has is the error. It asks until that is so: raft's one
// message may be lost, nobody may have answered a new leader yet, and who is to lead may lose
// the election.
func (r *Roster) yield(ctx context.Context) error {
	for r.quorum.Leader() == r.quorum.Node() {
		if err := r.quorum.Yield(ctx); err != nil {
			return err
		}
		select {
		case <-time.After(changeAgainAfter):
		case <-ctx.Done():
			return wire.Errorf(kerr.RequestTimedOut, "no other voter has taken the lead of the metadata quorum")
		}
	}
	return &quorum.NotLeaderError{Leader: r.quorum.Leader()}
}

// Unregister forgets a node. It is refused to voters, and to brokers with replicas.
func (r *Roster) Unregister(ctx context.Context, node model.NodeID) error {
	return r.change(ctx, func(image *meta.Image) error {
		members := r.quorum.Members()
		learner := slices.Contains(members.Learners, node)
		if slices.Contains(members.Voters, node) || slices.Contains(members.Leaving, node) {
			return wire.Errorf(kerr.InvalidRequest,
				"node %d is a voter of the metadata quorum; take its vote first (kafka-metadata-quorum remove-controller, chronik-server quorum remove-controller)", node)
		}
		if image.Brokers.ByID(node) != nil || !learner { // else the rest of an earlier try
			if _, err := r.quorum.Submit(ctx, controller.UnregisterBroker{Node: node}); err != nil || !learner {
				return err
			}
		}
		return r.quorum.ChangeMembers(ctx, quorum.Change{Remove: []model.NodeID{node}})
	})
}

// change makes a change when it is its turn, with an image that has all that was committed
// before.
func (r *Roster) change(ctx context.Context, apply func(*meta.Image) error) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	away := time.Now().Add(awayPatience)
	for {
		if err := r.quorum.Confirm(ctx); err != nil {
			return err
		}
		err := apply(r.quorum.Applied())
		switch {
		case errors.Is(err, quorum.ErrVotersAway) && time.Now().Before(away):
		case errors.Is(err, quorum.ErrVotersAway):
			return wire.Errorf(kerr.InvalidRequest, "%s: nothing could be decided any more; start them, or remove those that are gone first", quorum.ErrVotersAway)
		case !errors.Is(err, quorum.ErrChangeUnderWay):
			return err
		}
		select {
		case <-time.After(changeAgainAfter):
		case <-ctx.Done():
			return wire.Errorf(kerr.RequestTimedOut, "%s", quorum.ErrChangeUnderWay)
		}
	}
}
