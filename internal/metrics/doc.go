// Package metrics tells Prometheus how a node is: under Kafka's names, as its JMX
// exporter gives them, where Kafka has the metric, so that dashboards made for
// Kafka show chronik; under chronik_ where it has not. families.go is the visible
// list of them, from which docs/metrics.md is made.
//
// Nothing is counted here but elections and changes of in-sync sets: a scrape asks
// the components for their counts, and computes the rest from the metadata. Between
// scrapes nothing runs, and a start makes nothing.
//
// It encodes with Prometheus's own expfmt, one family at a time, so that a scrape of
// any number of partitions holds no more than the largest family. client_golang's
// registry would hold all of it, and importing it makes one, with collectors, as
// the process starts: a millisecond, of the five that a node needs.
//
// It starts no goroutine. Metrics.mu is held while a scrape gathers, and calls
// the sources; never over the writing.
package metrics
