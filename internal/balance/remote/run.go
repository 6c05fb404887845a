package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/balance"
	"github.com/chronik/chronik/internal/model"
)

// electionTries and verifyTries are how often elections, and where everything is, are asked
// for, a look apart; every electAgain times elections that have ended otherwise are repeated.
const electionTries, verifyTries, electAgain = 10, 30, 5

// farewell bounds what is still asked of the brokers after somebody has interrupted.
const farewell = 30 * time.Second

// Run balances. When ctx ends it begins no further move, says what is under way, and
// returns an error. Those that are under way go on.
func Run(ctx context.Context, options Options) error {
	o, err := options.open()
	if err != nil {
		return err
	}
	defer o.close()
	s, err := o.gather(ctx)
	if err != nil {
		return err
	}
	plan := balance.Propose(&s.cluster, balance.DefaultOptions())
	o.printPlan(s, &plan)
	if o.DryRun || len(plan.Moves) == 0 {
		return nil
	}
	return newExecution(o, s, plan.Moves).run(ctx)
}

// execution is a plan on its way.
type execution struct {
	*session
	pace     *balance.Pace
	leader   map[model.TopicPartition]model.NodeID
	waiting  []*balance.Move
	underWay map[model.TopicPartition]*balance.Move
	targets  map[model.TopicPartition]*balance.Move // that have ended
	elect    []*balance.Move                        // replicas are where they are to be
	tries    map[*balance.Move]int
	failed   int
	done     int
	all      int
	bytes    int64 // of those that are done
	total    int64
}

func newExecution(o *session, s *state, moves []balance.Move) *execution {
	e := &execution{
		session: o, pace: balance.NewPace(o.BytesPerSecond), leader: make(map[model.TopicPartition]model.NodeID),
		underWay: make(map[model.TopicPartition]*balance.Move), targets: make(map[model.TopicPartition]*balance.Move),
		tries: make(map[*balance.Move]int), all: len(moves),
	}
	for i := range moves {
		e.waiting = append(e.waiting, &moves[i])
		e.total += moves[i].Bytes
	}
	for i := range s.cluster.Partitions {
		p := &s.cluster.Partitions[i]
		e.leader[p.Name] = p.Leader
	}
	return e
}

// run carries the moves out.
func (e *execution) run(ctx context.Context) error {
	e.printf("\n")
	t := &throttle{session: e.session}
	if err := t.set(ctx, e.waiting); err != nil {
		return err
	}
	told := time.Now()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := e.step(ctx); err != nil {
			return e.stopped(ctx, t, err)
		}
		if len(e.waiting)+len(e.underWay)+len(e.elect) == 0 {
			break
		}
		if now := time.Now(); now.Sub(told) >= 5*time.Second {
			told = now
			e.progress()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	e.progress()
	if err := errors.Join(t.remove(ctx), e.verify(ctx)); err != nil {
		return err
	}
	if e.failed > 0 {
		return fmt.Errorf("%d of %d partitions could not be changed; what was said of each is above. Run it again when that is mended", e.failed, e.all)
	}
	return nil
}

func (e *execution) progress() {
	e.printf("%d of %d done, %s of %s copied; %d under way\n", e.done, e.all, balance.Bytes(e.bytes), balance.Bytes(e.total), len(e.underWay))
}

// step looks what has ended, and begins what may.
func (e *execution) step(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := e.look(ctx); err != nil {
		return err
	}
	if err := e.begin(ctx); err != nil {
		return err
	}
	return e.elections(ctx)
}

// look asks how far those are that are under way.
func (e *execution) look(ctx context.Context) error {
	if len(e.underWay) == 0 {
		return nil
	}
	set := kadm.TopicsSet{}
	for name := range e.underWay {
		set.Add(name.Topic, int32(name.Partition))
	}
	moving, err := e.moving(ctx, set)
	if err != nil {
		return err
	}
	for name, m := range e.underWay {
		if moving[name] {
			continue
		}
		delete(e.underWay, name)
		e.arrived(m)
	}
	return nil
}

// verify looks whether everything is as it was asked for. A broker may not have heard yet
// what the controller has said; an election may have ended with another leader, where the
// first replica has not answered in time: that is asked for again.
func (e *execution) verify(ctx context.Context) error {
	for tries := 1; ; tries++ {
		metadata, err := e.admin.Metadata(ctx)
		if err != nil {
			return fmt.Errorf("ask for the metadata: %w", err)
		}
		elsewhere, unled := e.different(metadata.Topics)
		if len(elsewhere)+len(unled) == 0 {
			return nil
		}
		if tries == verifyTries {
			e.differs(elsewhere, unled)
			return nil
		}
		if tries%electAgain == 0 && len(unled) > 0 {
			if _, err := e.electFirst(ctx, unled[:min(len(unled), ordersMax)]); err != nil {
				return err
			}
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// different are partitions that are elsewhere, and where; and those that are led by another
// than was asked for.
func (e *execution) different(topics kadm.TopicDetails) (elsewhere map[string]string, unled []*balance.Move) {
	elsewhere = make(map[string]string)
	for name, m := range e.targets {
		p := topics[name.Topic].Partitions[int32(name.Partition)]
		var now []model.NodeID
		for _, r := range p.Replicas {
			now = append(now, model.NodeID(r))
		}
		switch {
		case !slices.Equal(now, m.To):
			elsewhere[name.String()] = nodes(now)
		case m.Elect && model.NodeID(p.Leader) != m.To[0]:
			unled = append(unled, m)
		}
	}
	return elsewhere, unled
}

func (e *execution) differs(elsewhere map[string]string, unled []*balance.Move) {
	for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
		e.failed++
		e.printf("%s: somebody else has decided otherwise: it is on %s\n", name, elsewhere[name])
	}
	for _, m := range unled {
		e.failed++
		e.printf("%s: broker %d does not lead, though it is the first replica\n", m.Partition, m.To[0])
	}
}

// arrived: a partition has the replicas that it was to have.
func (e *execution) arrived(m *balance.Move) {
	e.bytes += m.Bytes
	e.targets[m.Partition] = m
	if m.Elect {
		e.elect = append(e.elect, m)
		return
	}
	e.done++
}

func (e *execution) fails(m *balance.Move, err error) {
	e.failed++
	e.done++
	delete(e.targets, m.Partition)
	e.printf("%s: %s -> %s: %v\n", m.Partition, nodes(m.From), nodes(m.To), err)
}

// begin asks for the next moves: so many at a time, and as the rate allows.
func (e *execution) begin(ctx context.Context) error {
	var ask kadm.AlterPartitionAssignmentsReq
	asked := make(map[model.TopicPartition]*balance.Move)
	now, orders := time.Now(), 0
	e.waiting = slices.DeleteFunc(e.waiting, func(m *balance.Move) bool {
		switch {
		case slices.Equal(m.From, m.To):
			e.arrived(m)
			return true
		case m.Bytes == 0 && orders >= ordersMax, m.Bytes > 0 && len(e.underWay)+len(asked)-orders >= movesMax:
			return false
		case !e.pace.Begin(now, m, e.leader[m.Partition]):
			return false
		}
		if m.Bytes == 0 {
			orders++
		}
		replicas := make([]int32, len(m.To))
		for i, n := range m.To {
			replicas[i] = int32(n)
		}
		ask.Assign(m.Partition.Topic, int32(m.Partition.Partition), replicas)
		asked[m.Partition] = m
		return true
	})
	if len(asked) == 0 {
		return nil
	}
	answers, err := e.admin.AlterPartitionAssignments(ctx, ask)
	if err != nil {
		return fmt.Errorf("ask for reassignments: %w", err)
	}
	for topic, partitions := range answers {
		for p, answer := range partitions {
			name := model.TopicPartition{Topic: topic, Partition: model.Partition(p)}
			m := asked[name]
			switch {
			case m == nil:
			case answer.Err != nil:
				e.fails(m, answer.Err)
			default:
				e.underWay[name] = m
			}
		}
	}
	return nil
}

// elections have first replicas lead: they are there, and in sync.
func (e *execution) elections(ctx context.Context) error {
	if len(e.elect) == 0 {
		return nil
	}
	batch := e.elect[:min(len(e.elect), ordersMax)]
	answers, err := e.electFirst(ctx, batch)
	if err != nil {
		return err
	}
	e.elect = slices.Clone(e.elect[len(batch):])
	for _, m := range batch {
		err := answers[m.Partition.Topic][int32(m.Partition.Partition)].Err
		switch {
		case err == nil, errors.Is(err, kerr.ElectionNotNeeded):
			e.done++
		case errors.Is(err, kerr.PreferredLeaderNotAvailable) && e.tries[m] < electionTries: // another election is not over yet
			e.tries[m]++
			e.elect = append(e.elect, m)
		default:
			e.fails(m, fmt.Errorf("broker %d does not lead: %w", m.To[0], err))
		}
	}
	return nil
}

func (e *execution) electFirst(ctx context.Context, moves []*balance.Move) (kadm.ElectLeadersResults, error) {
	set := kadm.TopicsSet{}
	for _, m := range moves {
		set.Add(m.Partition.Topic, int32(m.Partition.Partition))
	}
	answers, err := e.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
	if err != nil {
		return nil, fmt.Errorf("ask for elections: %w", err)
	}
	return answers, nil
}

// stopped says how things are when the command ends before the plan does.
func (e *execution) stopped(ctx context.Context, t *throttle, why error) error {
	e.progress()
	left := len(e.waiting) + len(e.elect)
	if ctx.Err() != nil {
		why = errors.New("interrupted")
	}
	if n := len(e.underWay); n > 0 {
		e.printf("%d partitions are under way, and go on; kafka-reassign-partitions --list shows them, and --cancel takes them back.\n", n)
		t.leave()
	} else {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		defer cancel()
		if err := t.remove(ending); err != nil {
			why = errors.Join(why, err)
		}
	}
	return fmt.Errorf("%w: %d partitions were not begun; another run goes on from here", why, left)
}
