package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Nodes is how many nodes a cluster has: 1, 2 and 3.
const Nodes = 3

// Role is how a victim is chosen.
type Role string

// The roles.
const (
	Any        Role = "node"       // the one that is named
	Leader     Role = "leader"     // who leads the topic's first partition
	Controller Role = "controller" // who leads the metadata
)

// Strike is one fault.
type Strike struct {
	Kind  Kind
	Begin time.Duration // since the load began
	End   time.Duration

	// Victim is the node, where no role decides or nobody has it. The others follow it in
	// the order of their numbers.
	Victim int
	Role   Role
	// Seed decides what else there is to decide: what a loss of power takes, which way is
	// cut, which bits flip, which replicas there are.
	Seed uint64
}

// String is a line.
func (s Strike) String() string {
	victim := fmt.Sprintf("  %s, or %d", s.Role, s.Victim)
	switch {
	case s.Kind.Asks():
		victim = ""
	case s.Role == Any:
		victim = fmt.Sprint("  node ", s.Victim)
	}
	return fmt.Sprintf("%5.1f s to %5.1f s  %s%s", s.Begin.Seconds(), s.End.Seconds(), s.Kind, victim)
}

// Plan is what a seed does.
type Plan struct {
	Seed    uint64
	Length  time.Duration
	Strikes []Strike // by their beginnings
}

// String is the plan as a report shows it, a line a strike.
func (p Plan) String() string {
	lines := make([]string, 0, len(p.Strikes)+1)
	lines = append(lines, fmt.Sprintf("seed %d, %s", p.Seed, p.Length))
	for _, s := range p.Strikes {
		lines = append(lines, s.String())
	}
	return strings.Join(lines, "\n") + "\n"
}

const (
	// calm is before the first fault, for what comes to be with the load; and after the
	// beginning of the last.
	calm = 4 * time.Second
	// pauseMin and pauseMax are between the end of a fault and the next, where they do not
	// overlap.
	pauseMin = 1 * time.Second
	pauseMax = 4 * time.Second
)

// New makes the plan of a seed out of some kinds of faults, each as often as any other.
func New(seed uint64, length time.Duration, kinds []Kind) Plan {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := Plan{Seed: seed, Length: length}
	rotten := 1 + rng.IntN(Nodes)
	deck := []Kind{}
	for at := calm; at < length-calm && len(kinds) > 0; {
		if len(deck) == 0 {
			deck = shuffled(kinds, rng)
		}
		s := strike(deck[0], at, rng)
		deck = deck[1:]
		if s.Kind.rots() {
			s.Victim, s.Role = rotten, Any
		}
		s.End = min(s.End, length)
		p.Strikes = append(p.Strikes, s)
		at = s.End + between(pauseMin, pauseMax, rng)
		if rng.IntN(3) == 0 { // the next strikes while this one holds
			at = between(s.Begin+time.Second, s.End+time.Second, rng)
		}
	}
	return p
}

func shuffled(kinds []Kind, rng *rand.Rand) []Kind {
	deck := slices.Clone(kinds)
	rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func strike(kind Kind, at time.Duration, rng *rand.Rand) Strike {
	least, most := kind.takes()
	roles := []Role{Any, Leader, Controller}
	s := Strike{Kind: kind, Begin: at, End: at + between(least, most, rng), Victim: 1 + rng.IntN(Nodes),
		Role: roles[rng.IntN(len(roles))], Seed: rng.Uint64()}
	if kind == FromController && s.Role == Controller {
		s.Role = Leader // the controller is the other end
	}
	return s
}

func between(least, most time.Duration, rng *rand.Rand) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1)).Round(100*time.Millisecond)
}

// All are the nodes.
func All() []int {
	all := make([]int, Nodes)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// Others are the nodes that are not the victim, in the order in which they follow it.
func Others(victim int) []int {
	var others []int
	for i := range Nodes - 1 {
		others = append(others, (victim+i)%Nodes+1)
	}
	return others
}
