package metrics

import "strconv"

// partitionFamilies are a series for each replica that this node holds, and for each
// follower of those that it leads.
func partitionFamilies() []family {
	const log = "kafka.log:type=Log,name="
	return []family{
		replicaFamily("chronik_partition_leader", "", "Node that leads the partition; -1 where none does.",
			func(r *replica) float64 { return float64(r.Leader) }),
		replicaFamily("chronik_partition_leader_epoch", "", "How often the partition's leader has changed.",
			func(r *replica) float64 { return float64(r.LeaderEpoch) }),
		leaderFamily("replicascount", "ReplicasCount", "Replicas of a partition that this node leads; else 0.",
			func(r *replica) float64 { return float64(len(r.Replicas)) }),
		leaderFamily("insyncreplicascount", "InSyncReplicasCount", "In-sync replicas of a partition that this node leads; else 0.",
			func(r *replica) float64 { return float64(len(r.ISR)) }),
		leaderFamily("underreplicated", "UnderReplicated", "1 where this node leads and a replica is not in sync.",
			func(r *replica) float64 { return number(r.UnderReplicated()) }),
		leaderFamily("underminisr", "UnderMinIsr", "1 where this node leads and fewer are in sync than min.insync.replicas.",
			func(r *replica) float64 { return number(r.underMinInsync()) }),
		leaderFamily("atminisr", "AtMinIsr", "1 where this node leads and as many are in sync as min.insync.replicas.",
			func(r *replica) float64 { return number(r.atMinInsync()) }),
		openFamily("kafka_log_log_logstartoffset", log+"LogStartOffset", "First offset of the log.",
			func(r *replica) float64 { return float64(r.LogStart) }),
		openFamily("chronik_partition_high_watermark", "", "End of what is committed, as this node knows it: consumers see what is below.",
			func(r *replica) float64 { return float64(r.HighWatermark) }),
		openFamily("kafka_log_log_logendoffset", log+"LogEndOffset", "Offset that the log's next record gets.",
			func(r *replica) float64 { return float64(r.LogEnd) }),
		openFamily("kafka_log_log_size", log+"Size", "Bytes of the log's segments.",
			func(r *replica) float64 { return float64(r.Size) }),
		followerFamily("chronik_partition_follower_lag_records",
			"Records that a follower of this node does not hold durably yet, as far as it has said.",
			func(_ *scrape, r *replica, f *Follower) (float64, bool) {
				n, ok := r.Lag(f)
				return float64(n), ok
			}),
		followerFamily("chronik_partition_follower_lag_seconds", "For how long a follower of this node has not held all that there is.",
			func(s *scrape, _ *replica, f *Follower) (float64, bool) {
				d, ok := f.LagTime(s.now)
				return d.Seconds(), ok
			}),
	}
}

func partitionLabels() []string { return []string{"topic", "partition"} }

// replicaFamily has a series for each replica.
func replicaFamily(name, bean, help string, value func(*replica) float64) family {
	return family{
		name: name, kind: gauge, labels: partitionLabels(), mbean: bean, help: help,
		collect: func(s *scrape, out *output) {
			for i := range s.replicas.each {
				r := &s.replicas.each[i]
				out.add(value(r), r.Topic, r.number)
			}
		},
	}
}

// openFamily has a series for each replica with an open log.
func openFamily(name, bean, help string, value func(*replica) float64) family {
	return family{
		name: name, kind: gauge, labels: partitionLabels(), mbean: bean, help: help,
		collect: func(s *scrape, out *output) {
			for i := range s.replicas.each {
				if r := &s.replicas.each[i]; r.Offline == nil {
					out.add(value(r), r.Topic, r.number)
				}
			}
		},
	}
}

// leaderFamily tells what a leader knows, and 0 where another leads, as Kafka does.
func leaderFamily(name, bean, help string, value func(*replica) float64) family {
	return replicaFamily("kafka_cluster_partition_"+name, "kafka.cluster:type=Partition,name="+bean, help,
		func(r *replica) float64 {
			if !r.leading {
				return 0
			}
			return value(r)
		})
}

// followerFamily has a series for each follower of which there is something to tell.
func followerFamily(name, help string, value func(*scrape, *replica, *Follower) (float64, bool)) family {
	return family{
		name: name, kind: gauge, labels: append(partitionLabels(), "follower"), help: help,
		collect: func(s *scrape, out *output) {
			followers := s.replicas.followers
			for i := range s.replicas.each {
				r := &s.replicas.each[i]
				for j := range followers[:r.followers] {
					if v, ok := value(s, r, &followers[j]); ok {
						out.add(v, r.Topic, r.number, strconv.Itoa(int(followers[j].Node)))
					}
				}
				followers = followers[r.followers:]
			}
		},
	}
}
