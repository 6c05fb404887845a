package metrics

// controllerFamilies are what the metadata says of the cluster, on every node alike, and
// what the active controller does.
func controllerFamilies() []family {
	const elections = "kafka.controller:type=ControllerStats,name=LeaderElectionRateAndTimeMs"
	return []family{
		{
			name: "kafka_controller_kafkacontroller_activecontrollercount", kind: gauge,
			mbean:   "kafka.controller:type=KafkaController,name=ActiveControllerCount",
			help:    "1 on the node that leads the metadata quorum.",
			collect: one(func(s *scrape) float64 { return number(s.quorum.Leader == s.node) }),
		},
		kafkaController("activebrokercount", "ActiveBrokerCount", "Brokers that are registered and not fenced.",
			func(c *cluster) float64 { return float64(c.activeBrokers) }),
		kafkaController("fencedbrokercount", "FencedBrokerCount", "Brokers that are registered and fenced.",
			func(c *cluster) float64 { return float64(c.fencedBrokers) }),
		kafkaController("globaltopiccount", "GlobalTopicCount", "Topics of the cluster.",
			func(c *cluster) float64 { return float64(c.topics) }),
		kafkaController("globalpartitioncount", "GlobalPartitionCount", "Partitions of the cluster.",
			func(c *cluster) float64 { return float64(c.partitions) }),
		kafkaController("offlinepartitionscount", "OfflinePartitionsCount", "Partitions of the cluster that have no leader.",
			func(c *cluster) float64 { return float64(c.offline) }),
		kafkaController("preferredreplicaimbalancecount", "PreferredReplicaImbalanceCount",
			"Partitions of the cluster that are not led by the first of their replicas.",
			func(c *cluster) float64 { return float64(c.notPreferred) }),
		kafkaController("lastappliedrecordoffset", "LastAppliedRecordOffset", "Offset of the last metadata that this node has applied.",
			func(c *cluster) float64 { return float64(c.applied) }),
		{
			name: "kafka_controller_controllerstats_leaderelectionrateandtimems", kind: gauge, labels: []string{"quantile"}, mbean: elections,
			help:    "Milliseconds that this node, as the active controller, took to elect a leader: quantiles of the last minutes.",
			collect: func(s *scrape, out *output) { out.addQuantiles(s.latelyElections) },
		},
		{
			name: "kafka_controller_controllerstats_leaderelectionrateandtimems_count", kind: counter, mbean: elections,
			help:    "Leaders that this node elected as the active controller.",
			collect: one(func(s *scrape) float64 { return float64(s.elections.Count()) }),
		},
		{
			name: "kafka_controller_controllerstats_uncleanleaderelections_total", kind: counter,
			mbean:   "kafka.controller:type=ControllerStats,name=UncleanLeaderElectionsPerSec",
			help:    "Leaders that this node elected uncleanly as the active controller: committed records may be lost.",
			collect: one(func(s *scrape) float64 { return float64(s.unclean) }),
		},
		{
			name: "chronik_partition_election_duration_seconds", kind: buckets,
			help:    "Time that partitions were without a leader, until this node as the active controller had elected one.",
			collect: func(s *scrape, out *output) { out.addBuckets(s.elections, nanoseconds, threeADecade) },
		},
		{
			name: "kafka_server_kafkaserver_brokerstate", kind: gauge, mbean: "kafka.server:type=KafkaServer,name=BrokerState",
			help:    "1 starting, 2 registered and still fenced, 3 running, 6 in a controlled shutdown.",
			collect: one(func(s *scrape) float64 { return float64(s.cluster.state) }),
		},
	}
}

// kafkaController tells of the metadata, once there is any.
func kafkaController(name, bean, help string, value func(*cluster) float64) family {
	return family{
		name: "kafka_controller_kafkacontroller_" + name, kind: gauge, help: help,
		mbean:   "kafka.controller:type=KafkaController,name=" + bean,
		collect: oneKnown(func(s *scrape) (float64, bool) { return value(&s.cluster), s.cluster.known }),
	}
}
