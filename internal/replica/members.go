package replica

import (
	"math/bits"

	"github.com/chronik/chronik/internal/meta"
)

// members is a set of the members of a view, by their place in it.
type members uint64

const _ = uint(64 - meta.ReplicasMax) // they fit

func (s members) has(i int) bool { return s>>i&1 == 1 }

func (s *members) add(i int) { *s |= 1 << i }

func (s members) count() int { return bits.OnesCount64(uint64(s)) }

// inSync are the members of the set in force.
func (v *View) inSync() members {
	var s members
	for i := range v.Members {
		if v.Members[i].InSync {
			s.add(i)
		}
	}
	return s
}
