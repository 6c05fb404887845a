package metrics

// replicaFamilies count the replicas that this node holds.
func replicaFamilies() []family {
	return []family{
		replicaManager("partitioncount", "PartitionCount", gauge, "Replicas on this node.",
			func(s *scrape) int { return len(s.replicas.each) }),
		replicaManager("leadercount", "LeaderCount", gauge, "Partitions that this node leads.",
			func(s *scrape) int { return s.replicas.leading }),
		replicaManager("offlinereplicacount", "OfflineReplicaCount", gauge, "Replicas on this node whose log cannot be opened.",
			func(s *scrape) int { return s.replicas.offline }),
		replicaManager("underreplicatedpartitions", "UnderReplicatedPartitions", gauge,
			"Partitions that this node leads with a replica that is not in sync.",
			func(s *scrape) int { return s.replicas.underReplicated }),
		replicaManager("underminisrpartitioncount", "UnderMinIsrPartitionCount", gauge,
			"Partitions that this node leads with fewer in sync than min.insync.replicas: acks=-1 is refused.",
			func(s *scrape) int { return s.replicas.underMinInsync }),
		replicaManager("atminisrpartitioncount", "AtMinIsrPartitionCount", gauge,
			"Partitions that this node leads with as many in sync as min.insync.replicas.",
			func(s *scrape) int { return s.replicas.atMinInsync }),
		replicaManager("isrshrinks_total", "IsrShrinksPerSec", counter, "In-sync sets of this node's partitions that lost a member.",
			func(s *scrape) int { return int(s.replication.shrunk) }),
		replicaManager("isrexpands_total", "IsrExpandsPerSec", counter, "In-sync sets of this node's partitions that got a member.",
			func(s *scrape) int { return int(s.replication.expanded) }),
		replicaManager("failedisrupdates_total", "FailedIsrUpdatesPerSec", counter,
			"In-sync sets that this node proposed and the controller refused.",
			func(s *scrape) int { return int(s.replication.refused) }),
	}
}

func replicaManager(name, bean string, kind familyKind, help string, value func(*scrape) int) family {
	return family{
		name: "kafka_server_replicamanager_" + name, kind: kind, help: help,
		mbean:   "kafka.server:type=ReplicaManager,name=" + bean,
		collect: one(func(s *scrape) float64 { return float64(value(s)) }),
	}
}
