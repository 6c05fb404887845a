package metrics

import "github.com/chronik/chronik/internal/api"

// topicFamilies are what clients do with topics, as Kafka counts it: a series for
// each topic, and one without the label for all of them.
func topicFamilies() []family {
	return []family{
		topicFamily("messagesin", "MessagesInPerSec", "Records appended for producers. A batch that is sent again counts once.",
			func(t *api.TopicStats) int64 { return t.MessagesIn }),
		topicFamily("bytesin", "BytesInPerSec", "Bytes of the batches appended for producers.",
			func(t *api.TopicStats) int64 { return t.BytesIn }),
		topicFamily("bytesout", "BytesOutPerSec", "Bytes of the batches sent to consumers.",
			func(t *api.TopicStats) int64 { return t.BytesOut }),
		topicFamily("totalproducerequests", "TotalProduceRequestsPerSec", "Partitions named by Produce requests.",
			func(t *api.TopicStats) int64 { return t.ProduceRequests }),
		topicFamily("failedproducerequests", "FailedProduceRequestsPerSec",
			"Partitions of Produce requests that were refused, but for reasons that newer metadata tells the client of.",
			func(t *api.TopicStats) int64 { return t.ProduceFailures }),
		topicFamily("totalfetchrequests", "TotalFetchRequestsPerSec", "Partitions that answers to Fetch were made of.",
			func(t *api.TopicStats) int64 { return t.FetchRequests }),
		topicFamily("failedfetchrequests", "FailedFetchRequestsPerSec",
			"Partitions of Fetch requests that were refused, but for reasons that newer metadata tells the client of, and offsets out of range.",
			func(t *api.TopicStats) int64 { return t.FetchFailures }),
		{
			name: "kafka_server_brokertopicmetrics_replicationbytesin_total", kind: counter,
			mbean:   "kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesInPerSec",
			help:    "Bytes of the batches that came from leaders.",
			collect: one(func(s *scrape) float64 { return float64(s.replication.received) }),
		},
		{
			name: "kafka_server_brokertopicmetrics_replicationbytesout_total", kind: counter,
			mbean:   "kafka.server:type=BrokerTopicMetrics,name=ReplicationBytesOutPerSec",
			help:    "Bytes of the batches that were sent to followers.",
			collect: one(func(s *scrape) float64 { return float64(s.replication.sent) }),
		},
		{
			name: "chronik_replication_throttled_received_bytes_total", kind: counter,
			help:    "Those of replicas that a follower's throttle names, while they were not in sync (Kafka's byte-rate of FollowerReplication).",
			collect: one(func(s *scrape) float64 { return float64(s.replication.receivedThrottled) }),
		},
		{
			name: "chronik_replication_throttled_sent_bytes_total", kind: counter,
			help:    "Those that a throttle of the leader or of the follower, or the balancer's limit, counts (Kafka's byte-rate of LeaderReplication).",
			collect: one(func(s *scrape) float64 { return float64(s.replication.sentThrottled) }),
		},
		{
			name: "chronik_replication_throttled_partitions", kind: gauge,
			help:    "Partitions, by followers, that wait for a throttle of replication now. 0 while data is sent within the rate.",
			collect: one(func(s *scrape) float64 { return float64(s.replication.waiting) }),
		},
	}
}

func topicFamily(name, bean, help string, count func(*api.TopicStats) int64) family {
	return family{
		name: "kafka_server_brokertopicmetrics_" + name + "_total", kind: counter, labels: []string{"topic"},
		mbean: "kafka.server:type=BrokerTopicMetrics,name=" + bean, help: help,
		collect: func(s *scrape, out *output) {
			out.add(float64(count(&s.topics.AllTopics)), "")
			for i := range s.topics.Topics {
				t := &s.topics.Topics[i]
				out.add(float64(count(t)), t.Topic)
			}
		},
	}
}
