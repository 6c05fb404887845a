// Package metrics tells Prometheus how a node is: under Kafka's names, as its JMX
// exporter gives them, where Kafka has the metric, so that dashboards made for
// Kafka show chronik; under chronik_ where it has not. families.go is the visible
// list of them, from which docs/metrics.md is made.
//
// Nothing is counted here but elections and changes of in-sync sets: a scrape asks
// the components for their counts, and computes the rest from the metadata. Between
// scrapes nothing runs, and a start makes nothing.
//
// It writes Prometheus's text format by itself, a line at a time; Prometheus's parser
// reads it in the tests. Its client's registry would hold all lines of a scrape at once,
// and is made, with collectors, as the process starts (docs/adr/0007).
//
// It starts no goroutine. Metrics.mu is held while a scrape gathers, and calls
// the sources; never over the writing.
package metrics
