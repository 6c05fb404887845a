// Package settings is the table of every setting that chronik serves: for
// topics, for brokers, for groups and for the process itself, with Kafka's
// names, types and (where docs/divergence.md does not say otherwise) the
// defaults of Kafka 4.3. From the tables follow what CreateTopics and
// AlterConfigs accept, what DescribeConfigs answers, what server.properties may
// say and what `chronik-server config describe` prints.
//
// It is pure: constant tables and functions over maps of name to value. It
// starts no goroutine, holds no lock, reads no file, flag or environment (that
// is package config's), and imports nothing of the project.
//
// A listener may have its own value of those that are marked PerListener.
//
// A setting that is in a table takes effect. What Kafka has and chronik does
// not is in Unused and UnservedTopic, with the reason why.
package settings
