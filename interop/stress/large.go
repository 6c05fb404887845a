package main

import (
	"fmt"
	"strconv"
)

const (
	largeBytes   = 10 << 20
	largeCallers = 4
	// largeGiB bounds what a fast disk would be given to keep.
	largeGiB = 2
)

// large is records that are ten times what a cluster takes by default.
func large() scenario {
	limit := strconv.Itoa(largeBytes + 64<<10) // a batch is a little more than its record
	return scenario{
		name:     "large",
		what:     "records of 10 MiB, written and read back",
		settings: map[string]string{"message.max.bytes": limit, "replica.fetch.max.bytes": limit},
		run: func(s *scene) error {
			t := topic{name: "large", partitions: 3, configs: map[string]string{"max.message.bytes": limit}}
			if err := s.create(t); err != nil {
				return err
			}
			plan := s.plan()
			plan.Shape.Size, plan.Concurrency, plan.Clients = largeBytes, largeCallers, largeCallers
			_, err := s.report(fmt.Sprintf("%d callers", largeCallers), traffic{topic: "large", plan: plan}.until(min(s.gib, largeGiB)*gibi))
			return err
		},
	}
}
