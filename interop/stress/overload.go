package main

import (
	"fmt"
	"strconv"
)

const (
	overloadMemory   = 256 << 20
	overloadRequests = 32 << 20
	overloadClients  = 64
	// overloadBuffered records of overloadBytes are 8 MiB for each client, 512 for all.
	overloadBuffered = 800
	overloadBytes    = 10 << 10
	overloadGiB      = 4 // bounds what a fast disk would be given to keep
	// overloadMiBGoal leaves room for what Go's limit does not count.
	overloadMiBGoal = 1.5 * overloadMemory / mebi
)

// overload is more records under way than nodes have memory for.
func overload() scenario {
	return scenario{
		name:     "overload",
		what:     "nodes of 256 MiB of which requests get 32, and producers with 512 MiB under way",
		settings: map[string]string{"queued.max.request.bytes": strconv.Itoa(overloadRequests)},
		env:      []string{fmt.Sprint("GOMEMLIMIT=", overloadMemory)},
		run: func(s *scene) error {
			if err := s.create(topic{name: "overload", partitions: commonPartitions}); err != nil {
				return err
			}
			plan := s.plan()
			plan.Async, plan.Clients, plan.Buffered, plan.Shape.Size = true, overloadClients, overloadBuffered, overloadBytes
			m, err := s.report(fmt.Sprintf("%d producers", overloadClients), traffic{topic: "overload", plan: plan}.until(min(s.gib, overloadGiB)*gibi))
			if err != nil {
				return err
			}
			s.goal("RSS of a node at most", m.usage.ResidentBytesMax/mebi, overloadMiBGoal, " MiB")
			waits, known, err := s.meter.Sum("chronik_request_memory_waits_total")
			if known && err == nil {
				s.say("%.0f requests had to wait for memory", waits)
			}
			return err
		},
	}
}
