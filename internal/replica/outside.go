package replica

import (
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/plant"
)

// Outside reports whether no commit of this leader waits for a follower: it is neither
// in the set in force nor in the proposed one, which may be in force already. What it is
// sent may be held back for as long as one likes (package throttle).
//
// A follower that comes to hold all that may be committed is proposed in that same event,
// unless another proposal is open; it is outside until then, and again where the
// controller has refused it. A member that is lost is in the set, and is not held back:
// the set needs it to hold everything again.
func (r *Replica) Outside(node model.NodeID) bool {
	i := r.view.index(node)
	if r.role != leader || i < 0 {
		return false
	}
	if plant.On(plant.ThrottleStarvesISR) {
		return true
	}
	p := &r.lead.pending
	return !r.view.Members[i].InSync && !(p.open && p.members.has(i))
}
