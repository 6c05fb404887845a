// Package api answers Kafka's requests: one file a key, named by its number,
// and table.go, the visible list from which ApiVersions is computed.
//
// A handler translates: from kmsg to the types of the layers below, and their
// errors to Kafka's codes (errors.go). It decides nothing about the log, the
// metadata or groups. Handler owns no goroutine; its fetch sessions and its
// budget of response memory have locks of their own, and no other is held
// while a request waits.
//
// Where it differs from Kafka, the file's header says so.
package api
