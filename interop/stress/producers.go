package main

import "fmt"

const (
	producersMany = 2000
	// filesAProducer is a connection to each node, one to begin with, and what a poll needs.
	filesAProducer = 8
	// commonPartitions are those of topics of which their number does not matter.
	commonPartitions = 12
)

// producers is many clients, each with its own connections, of which each has a record to
// send every second.
func producers() scenario {
	return scenario{
		name:  "producers",
		what:  "2,000 producers with their own connections, one record a second each",
		files: func(o *options) int { return o.of(producersMany) * filesAProducer },
		run: func(s *scene) error {
			if err := s.create(topic{name: "producers", partitions: commonPartitions}); err != nil {
				return err
			}
			n := s.of(producersMany)
			plan := s.plan()
			plan.Concurrency, plan.Clients, plan.Rate = n, n, float64(n)
			_, err := s.report(fmt.Sprintf("%d producers", n), traffic{topic: "producers", plan: plan})
			return err
		},
	}
}
