package group

import (
	"time"

	"github.com/chronik/chronik/internal/model"
)

// expire deletes offsets that nobody has used for the retention, and groups that
// have neither members nor offsets left (KIP-211).
func (s *Groups) expire(now time.Time) outcome {
	out := outcome{Divisible: true}
	for id, g := range s.groups {
		left := 0
		for topic, partitions := range g.offsets {
			for p, o := range partitions {
				if s.expired(now, g, topic, o) {
					out.Records = append(out.Records, offsetTombstone(id, topic, p))
				} else {
					left++
				}
			}
		}
		// Who was just given an id is about to join.
		if left == 0 && g.state == Empty && len(g.pending) == 0 {
			out.Records = append(out.Records, groupTombstone(id))
		}
	}
	return out
}

// expired tells whether an offset's time is over. What it counts from:
//
//	group                          from
//	keeps offsets only             the commit
//	Empty                          when it became empty, or the commit where unknown
//	Stable, consumers, and none    the commit
//	  subscribes to the topic
//	any other                      nothing: it is in use, or we cannot tell
//
// An offset whose commit said when it expires does so then, in each of them.
func (s *Groups) expired(now time.Time, g *group, topic string, o offset) bool {
	from := o.committed.Time()
	switch {
	case g.protocolType == "":
	case g.state == Empty:
		if !g.since.IsZero() {
			from = g.since
		}
	case g.state == Stable && g.protocolType == consumerProtocol && g.subscribedKnown && !g.subscribesTo(topic):
	default:
		return false
	}
	if o.expires != never {
		return model.TimestampOf(now) >= o.expires
	}
	return now.Sub(from) >= s.config.OffsetsRetention
}
