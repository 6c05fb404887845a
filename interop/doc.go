// Command interop runs what people use today against a broker: Apache Kafka's
// own tools, the Java client, kcat, and the Python and JavaScript clients. It
// installs them below a cache directory, starts a chronik-server of its own on
// loopback with a temporary data directory (or takes running brokers), records
// the result of each check, and closes with a count. Nothing is skipped: what
// cannot be installed or started fails.
//
// Then it starts three nodes, and has the same clients begin each with another of
// them; and what clients see of a cluster alone has nodes of its own: reading from the
// replica in a consumer's rack, nodes that know each other by certificates, addresses
// that suit who asks.
//
// One of these clusters begins as the release before, which is built of the history, and
// is upgraded under load.
//
// A suite is a list of checks that run one after the other; suites run beside
// each other, each with topics and groups of its own names. The checks were
// written against Apache Kafka and must stay true of it: a check that Kafka
// fails is a wrong check.
//
// It is a client of the broker and imports nothing of chronik's.
package main
