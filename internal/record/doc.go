// Package record is Kafka's record batch, version 2 (KIP-98): a view of its
// bytes in place, the full check of what a client sent, the streaming reader of
// its records, the builder, control records, and the codecs.
//
// Nothing here trusts a length: memory grows as bytes arrive and stops at
// Limits. A Batch, Builder and Reader belong to one caller at a time; functions
// on different batches may run concurrently. The package starts no goroutine
// and holds no lock; its only shared state are pools of codec buffers. Of the
// project it imports model only.
package record
