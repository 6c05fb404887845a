package throttle

import (
	"maps"
	"slices"
	"strconv"

	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/settings"
)

// Rates are what one node keeps to as a leader, in bytes a second: altogether, and to
// each follower. Whoever is not in Followers is sent as much as there is.
type Rates struct {
	Leader    int64
	Followers map[model.NodeID]int64
}

// Limited reports whether anybody is held back.
func (r Rates) Limited() bool { return r.Leader != Unlimited || len(r.Followers) > 0 }

const (
	leaderRate   = "leader.replication.throttled.rate"
	followerRate = "follower.replication.throttled.rate"
)

// RatesOf are a node's by the metadata. A follower's rate is divided evenly by the leaders
// that feed it what is to be held back: each knows the others by the same image, and none
// has to ask. One that is slower leaves its part unused.
func RatesOf(image *meta.Image, node model.NodeID) Rates {
	r := Rates{Leader: rate(image, node, leaderRate)}
	for b := range image.Brokers.All() {
		if limit := rate(image, b.ID, followerRate); b.ID != node && limit != Unlimited {
			if r.Followers == nil {
				r.Followers = make(map[model.NodeID]int64)
			}
			r.Followers[b.ID] = limit
		}
	}
	if len(r.Followers) == 0 {
		return r
	}
	for follower, leaders := range feeders(image) {
		leaders[node] = struct{}{} // which may lead more in a moment
		if limit, limited := r.Followers[follower]; limited {
			r.Followers[follower] = limit / int64(len(leaders))
		}
	}
	return r
}

// rate is a setting of a broker, or of all.
func rate(image *meta.Image, node model.NodeID, name string) int64 {
	e, ok := settings.Layers{
		Broker:        image.Configs.Of(meta.Resource{Type: meta.BrokerResource, Name: strconv.Itoa(int(node))}),
		BrokerDefault: image.Configs.Of(meta.Resource{Type: meta.BrokerResource}),
	}.BrokerSetting(name)
	if !ok {
		panic("throttle: BUG: no broker setting is called " + name)
	}
	limit, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil || limit < 0 {
		return Unlimited // nothing that AlterConfigs has accepted
	}
	return limit
}

// feeders are, for each follower, the leaders of what it lacks and is to be held back.
func feeders(image *meta.Image) map[model.NodeID]map[model.NodeID]struct{} {
	all := make(map[model.NodeID]map[model.NodeID]struct{})
	for resource, values := range image.Configs.All() {
		listed := values["follower.replication.throttled.replicas"]
		topic := image.Topics.ByName(resource.Name)
		if resource.Type != meta.TopicResource || listed == "" || topic == nil {
			continue
		}
		replicas, err := settings.ParseThrottledReplicas(listed)
		if err != nil {
			continue // nothing that AlterConfigs has accepted
		}
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			for _, follower := range p.Replicas {
				if p.Leader == model.NoNode || slices.Contains(p.ISR, follower) || !replicas.Has(int32(i), int32(follower)) {
					continue
				}
				if all[follower] == nil {
					all[follower] = make(map[model.NodeID]struct{})
				}
				all[follower][p.Leader] = struct{}{}
			}
		}
	}
	return all
}

// Equal reports whether two are the same.
func (r Rates) Equal(o Rates) bool {
	return r.Leader == o.Leader && maps.Equal(r.Followers, o.Followers)
}
