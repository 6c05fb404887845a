// Package load is the clients of a benchmark: callers that wait for each record's
// acknowledgement, floods that do not, writers of transactions, and readers. They are
// clients of franz-go, and know nothing of the cluster but what Kafka's protocol says.
//
// All times are durations since the run began. Run starts all goroutines, and has ended
// them when it returns. Callers share nothing that they would wait for: each has its
// record, its recorder and its page of the ledger; the records of a rate are dealt out by
// one atomic addition.
package load
