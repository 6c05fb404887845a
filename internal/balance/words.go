package balance

import (
	"fmt"

	"github.com/chronik/chronik/internal/model"
)

func preferred(leader, first model.NodeID) string {
	return fmt.Sprintf("broker %d leads, and broker %d is the first replica", leader, first)
}

func sameRack(from, to *Broker) string {
	return fmt.Sprintf("rack %q has more of its replicas than rack %q", from.Rack, to.Rack)
}

func toBeEmpty(broker model.NodeID) string {
	return fmt.Sprintf("broker %d is to be emptied", broker)
}

func staysOn(broker model.NodeID, count int) string {
	return fmt.Sprintf("broker %d cannot be emptied: for %d of its replicas no other broker is up, has none of the partition's and has room, or the partition is not to be moved",
		broker, count)
}

// uneven says what is evened most by a load's way from one broker to another.
func (s *search) uneven(l *load, from, to int) string {
	most, of := 0.0, replicas
	for m := range l {
		if l[m] == 0 {
			continue
		}
		only := load{}
		only[m] = l[m]
		if g := s.gain(&only, from, to); g > most {
			most, of = g, measure(m)
		}
	}
	a, b, even := s.loads[from][of], s.loads[to][of], s.bands[of].even
	x, y := s.brokers[from].ID, s.brokers[to].ID
	switch of {
	case bytes:
		return fmt.Sprintf("broker %d stores %s and broker %d %s; %s each is even", x, Bytes(a), y, Bytes(b), Bytes(int64(even)))
	case leaders:
		return fmt.Sprintf("broker %d is to lead %d partitions and broker %d %d; %.1f each is even", x, a, y, b, even)
	case in:
		return fmt.Sprintf("broker %d writes %s/s and broker %d %s/s; %s/s each is even", x, Bytes(a), y, Bytes(b), Bytes(int64(even)))
	case out:
		return fmt.Sprintf("broker %d is read at %s/s and broker %d at %s/s; %s/s each is even", x, Bytes(a), y, Bytes(b), Bytes(int64(even)))
	default:
		return fmt.Sprintf("broker %d has %d replicas and broker %d has %d; %.1f each is even", x, a, y, b, even)
	}
}

// Bytes is a number of bytes for people: 3 digits, binary units.
func Bytes(n int64) string {
	const step = 1024
	if n < step {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	for ; value >= 999.5 && unit < len("KMGTPE"); unit++ {
		value /= step
	}
	switch {
	case value < 9.995:
		return fmt.Sprintf("%.2f %ciB", value, "KMGTPE"[unit-1])
	case value < 99.95:
		return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[unit-1])
	}
	return fmt.Sprintf("%.0f %ciB", value, "KMGTPE"[unit-1])
}
