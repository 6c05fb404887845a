package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ThrottledReplicas are the replicas of a topic that a replication throttle holds back
// (KIP-73). The zero value has none. It does not change once it is made.
type ThrottledReplicas struct {
	every  bool
	listed map[throttledReplica]struct{}
}

type throttledReplica struct{ partition, broker int32 }

// Has reports whether a partition's replica on a broker is one of them.
func (t ThrottledReplicas) Has(partition, broker int32) bool {
	_, listed := t.listed[throttledReplica{partition, broker}]
	return t.every || listed
}

// None reports whether there are none.
func (t ThrottledReplicas) None() bool { return !t.every && len(t.listed) == 0 }

// Throttled reports which throttles hold back what a partition's leader sends to a
// follower that is not in sync.
func (v *TopicValues) Throttled(partition, leader, follower int32) (asLeader, asFollower bool) {
	return v.LeaderThrottled.Has(partition, leader), v.FollowerThrottled.Has(partition, follower)
}

func throttledReplicas() rule {
	return checked("[partitionId]:[brokerId],[partitionId]:[brokerId],...", func(value string) error {
		_, err := ParseThrottledReplicas(value)
		return err
	})
}

// ParseThrottledReplicas reads *, or a list of partition:broker. As with Kafka items may be
// empty, and numbers that no partition or broker can have name none.
func ParseThrottledReplicas(value string) (ThrottledReplicas, error) {
	items := SplitList(value)
	if len(items) == 1 && items[0] == "*" {
		return ThrottledReplicas{every: true}, nil
	}
	var t ThrottledReplicas
	for _, item := range items {
		if item == "" {
			continue
		}
		partition, broker, found := cutDigits(item)
		if !found {
			return ThrottledReplicas{}, fmt.Errorf("%q is not partition:broker; write a list of those, or * for all replicas", item)
		}
		p, noPartition := strconv.ParseInt(partition, 10, 32)
		b, noBroker := strconv.ParseInt(broker, 10, 32)
		if errors.Join(noPartition, noBroker) == nil {
			if t.listed == nil {
				t.listed = make(map[throttledReplica]struct{}, len(items))
			}
			t.listed[throttledReplica{int32(p), int32(b)}] = struct{}{}
		}
	}
	return t, nil
}

// cutDigits cuts what is digits, a colon and digits.
func cutDigits(item string) (before, after string, ok bool) {
	i := strings.IndexByte(item, ':')
	if i < 0 {
		return "", "", false
	}
	before, after = item[:i], item[i+1:]
	return before, after, digits(before) && digits(after)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
