package main

import "fmt"

const (
	partitionsMany = 1000
	// partitionsRate is a total for all partitions.
	partitionsRate = 2000
	// partitionsClients share the callers: a client for each would be about connections.
	partitionsClients = 10
)

// partitions is many that are all written to, with as many callers, and at a fixed rate.
// Each record goes to the client's next partition in turn.
func partitions() scenario {
	return scenario{
		name: "partitions",
		what: "1,000 partitions written to at once, each record synced before it is acknowledged",
		run: func(s *scene) error {
			n := s.of(partitionsMany)
			// chronik always does; Kafka only when it is told to.
			synced := map[string]string{"flush.messages": "1"}
			for _, t := range []topic{
				{name: "replicated", partitions: n, configs: synced},
				{name: "single", partitions: n, on: []int32{1}, configs: synced},
			} {
				if err := s.writeAll(t); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (s *scene) writeAll(t topic) error {
	if err := s.create(t); err != nil {
		return err
	}
	copies := "RF 3"
	if t.on != nil {
		copies = "RF 1 on one node"
	}
	plan := s.plan()
	plan.Concurrency, plan.Clients, plan.Partitioner = t.partitions, partitionsClients, "round-robin"
	what := fmt.Sprintf("%s, %d callers", copies, t.partitions)
	if _, err := s.report(what, traffic{topic: t.name, plan: plan}); err != nil {
		return err
	}
	plan.Rate = partitionsRate
	what = fmt.Sprintf("%s, %d msg/s", copies, partitionsRate)
	_, err := s.report(what, traffic{topic: t.name, plan: plan})
	return err
}
