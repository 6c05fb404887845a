package metrics

// logFamilies are what the logs of this node do together, and their disk.
func logFamilies() []family {
	const flush = "kafka.log:type=LogFlushStats,name=LogFlushRateAndTimeMs"
	return []family{
		{
			name: "kafka_log_logflushstats_logflushrateandtimems", kind: gauge, labels: []string{"quantile"}, mbean: flush,
			help:    "Milliseconds that a sync of a log took: quantiles of the last minutes.",
			collect: func(s *scrape, out *output) { out.addQuantiles(s.latelyCommits) },
		},
		{
			name: "kafka_log_logflushstats_logflushrateandtimems_count", kind: counter, mbean: flush,
			help:    "Syncs of logs, the metadata log among them.",
			collect: one(func(s *scrape) float64 { return float64(s.commits.Took.Count()) }),
		},
		{
			name: "chronik_group_commit_duration_seconds", kind: buckets,
			help:    "Time that a sync of a log took.",
			collect: func(s *scrape, out *output) { out.addBuckets(s.commits.Took, nanoseconds, threeADecade) },
		},
		{
			name: "chronik_group_commit_appends", kind: buckets,
			help:    "Appends that one sync made durable.",
			collect: func(s *scrape, out *output) { out.addBuckets(s.commits.Appends, 1, fourfold) },
		},
		{
			name: "chronik_group_commit_bytes", kind: buckets,
			help:    "Bytes that one sync made durable.",
			collect: func(s *scrape, out *output) { out.addBuckets(s.commits.Bytes, 1, fourfold) },
		},
		{
			name: "kafka_log_logmanager_offlinelogdirectorycount", kind: gauge,
			mbean:   "kafka.log:type=LogManager,name=OfflineLogDirectoryCount",
			help:    "1 where the data directory or a log directory is fenced, because a write or a sync has failed.",
			collect: one(func(s *scrape) float64 { return number(s.disk.fenced) }),
		},
		{
			name: "chronik_data_dir_size_bytes", kind: gauge,
			help:    "Size of the file system that the data directory is on.",
			collect: oneKnown(func(s *scrape) (float64, bool) { return s.disk.total, s.disk.known }),
		},
		{
			name: "chronik_data_dir_free_bytes", kind: gauge,
			help:    "What is free of it.",
			collect: oneKnown(func(s *scrape) (float64, bool) { return s.disk.free, s.disk.known }),
		},
		{
			name: "chronik_log_dir_size_bytes", kind: gauge, labels: []string{"dir"},
			help:    "Size of the file system that a log directory is on.",
			collect: eachLogDir(func(d *logDirUsage) float64 { return d.total }),
		},
		{
			name: "chronik_log_dir_free_bytes", kind: gauge, labels: []string{"dir"},
			help:    "What is free of it.",
			collect: eachLogDir(func(d *logDirUsage) float64 { return d.free }),
		},
	}
}

func eachLogDir(value func(*logDirUsage) float64) func(*scrape, *output) {
	return func(s *scrape, out *output) {
		for i := range s.logDirs {
			out.add(value(&s.logDirs[i]), s.logDirs[i].path)
		}
	}
}
