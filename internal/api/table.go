package api

// keyEnd is one above the greatest API key in the table.
const keyEnd = 82

// apiVersionsKey is special: any version of it gets an answer (KIP-511).
const apiVersionsKey = 18

// entry is one API that this broker serves.
type entry struct {
	key      int16
	name     string
	min, max int16 // versions accepted
	// advertisedMin is the least version that ApiVersions lists.
	advertisedMin int16
	start         startFunc
}

// apiTable lists every API that is served, with the versions that Apache Kafka
// 4.3's broker accepts. ApiVersions and docs/apis.md are computed from it.
//
// Produce is advertised from 0 although only 3 and above are accepted, as in
// Kafka: librdkafka takes a missing v0 for a broker that is too old for
// compression (KAFKA-18659).
func apiTable() []entry {
	return []entry{
		{0, "Produce", 3, 13, 0, startProduce},
		{1, "Fetch", 4, 18, 4, startFetch},
		{2, "ListOffsets", 1, 11, 1, whole((*Handler).listOffsets)},
		{3, "Metadata", 0, 13, 0, whole((*Handler).metadata)},
		{8, "OffsetCommit", 2, 10, 2, whole((*Handler).offsetCommit)},
		{9, "OffsetFetch", 1, 10, 1, whole((*Handler).offsetFetch)},
		{10, "FindCoordinator", 0, 6, 0, whole((*Handler).findCoordinator)},
		{11, "JoinGroup", 0, 9, 0, whole((*Handler).joinGroup)},
		{12, "Heartbeat", 0, 4, 0, whole((*Handler).heartbeat)},
		{13, "LeaveGroup", 0, 5, 0, whole((*Handler).leaveGroup)},
		{14, "SyncGroup", 0, 5, 0, whole((*Handler).syncGroup)},
		{15, "DescribeGroups", 0, 6, 0, whole((*Handler).describeGroups)},
		{16, "ListGroups", 0, 5, 0, whole((*Handler).listGroups)},
		{18, "ApiVersions", 0, 4, 0, whole((*Handler).apiVersions)},
		{19, "CreateTopics", 2, 7, 2, whole((*Handler).createTopics)},
		{20, "DeleteTopics", 1, 6, 1, whole((*Handler).deleteTopics)},
		{21, "DeleteRecords", 0, 2, 0, whole((*Handler).deleteRecords)},
		{22, "InitProducerId", 0, 5, 0, whole((*Handler).initProducerID)},
		{23, "OffsetForLeaderEpoch", 2, 4, 2, whole((*Handler).offsetForLeaderEpoch)},
		{32, "DescribeConfigs", 1, 4, 1, whole((*Handler).describeConfigs)},
		{33, "AlterConfigs", 0, 2, 0, whole((*Handler).alterConfigs)},
		{34, "AlterReplicaLogDirs", 1, 2, 1, whole((*Handler).alterReplicaLogDirs)},
		{35, "DescribeLogDirs", 1, 5, 1, whole((*Handler).describeLogDirs)},
		{37, "CreatePartitions", 0, 3, 0, whole((*Handler).createPartitions)},
		{42, "DeleteGroups", 0, 2, 0, whole((*Handler).deleteGroups)},
		{43, "ElectLeaders", 0, 2, 0, whole((*Handler).electLeaders)},
		{44, "IncrementalAlterConfigs", 0, 1, 0, whole((*Handler).incrementalAlterConfigs)},
		{45, "AlterPartitionReassignments", 0, 1, 0, whole((*Handler).alterPartitionReassignments)},
		{46, "ListPartitionReassignments", 0, 0, 0, whole((*Handler).listPartitionReassignments)},
		{47, "OffsetDelete", 0, 0, 0, whole((*Handler).offsetDelete)},
		{55, "DescribeQuorum", 0, 2, 0, whole((*Handler).describeQuorum)},
		{57, "UpdateFeatures", 0, 2, 0, whole((*Handler).updateFeatures)},
		{60, "DescribeCluster", 0, 2, 0, whole((*Handler).describeCluster)},
		{61, "DescribeProducers", 0, 0, 0, whole((*Handler).describeProducers)},
		{64, "UnregisterBroker", 0, 0, 0, whole((*Handler).unregisterBroker)},
		{74, "ListConfigResources", 0, 1, 0, whole((*Handler).listConfigResources)},
		{75, "DescribeTopicPartitions", 0, 0, 0, whole((*Handler).describeTopicPartitions)},
		{80, "AddRaftVoter", 0, 1, 0, whole((*Handler).addRaftVoter)},
		{81, "RemoveRaftVoter", 0, 0, 0, whole((*Handler).removeRaftVoter)},
	}
}
