// Package kafka gets Apache Kafka's own jars from Maven Central, and makes the
// command lines of its tools and of our Java programs. Tools are read by all
// goroutines once they are installed; MakeArchive alone writes.
package kafka
