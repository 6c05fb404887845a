package metrics

import "slices"

// families is every metric there is, in the order in which they are written and
// stand in docs/metrics.md.
func families() []family {
	return slices.Concat(
		topicFamilies(), requestFamilies(), connectionFamilies(),
		replicaFamilies(), partitionFamilies(), logFamilies(),
		controllerFamilies(), raftFamilies(),
		processFamilies(),
	)
}

// one makes the collect of a family that has one value, without labels.
func one(value func(s *scrape) float64) func(*scrape, *output) {
	return func(s *scrape, out *output) { out.add(value(s)) }
}

// oneKnown is one, of a value that may not be known.
func oneKnown(value func(s *scrape) (float64, bool)) func(*scrape, *output) {
	return func(s *scrape, out *output) {
		if v, ok := value(s); ok {
			out.add(v)
		}
	}
}
