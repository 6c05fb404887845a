package main

// api is a row of what Kafka's broker advertises.
type api struct {
	name string
	min  int
	max  int
	// wanted APIs must be served; of the others, those that are served must be
	// served as widely as Kafka does.
	wanted bool
}

// kafkaAPIs is what a broker of Apache Kafka 4.3.1 answers to ApiVersions, as
// broker-api-versions prints it.
func kafkaAPIs() []api {
	return []api{
		{name: "Produce(0)", min: 0, max: 13, wanted: true},
		{name: "Fetch(1)", min: 4, max: 18, wanted: true},
		{name: "ListOffsets(2)", min: 1, max: 11, wanted: true},
		{name: "Metadata(3)", min: 0, max: 13, wanted: true},
		{name: "OffsetCommit(8)", min: 2, max: 10, wanted: true},
		{name: "OffsetFetch(9)", min: 1, max: 10, wanted: true},
		{name: "FindCoordinator(10)", min: 0, max: 6, wanted: true},
		{name: "JoinGroup(11)", min: 0, max: 9, wanted: true},
		{name: "Heartbeat(12)", min: 0, max: 4, wanted: true},
		{name: "LeaveGroup(13)", min: 0, max: 5, wanted: true},
		{name: "SyncGroup(14)", min: 0, max: 5, wanted: true},
		{name: "DescribeGroups(15)", min: 0, max: 6, wanted: true},
		{name: "ListGroups(16)", min: 0, max: 5, wanted: true},
		{name: "SaslHandshake(17)", min: 0, max: 1},
		{name: "ApiVersions(18)", min: 0, max: 4, wanted: true},
		{name: "CreateTopics(19)", min: 2, max: 7, wanted: true},
		{name: "DeleteTopics(20)", min: 1, max: 6, wanted: true},
		{name: "DeleteRecords(21)", min: 0, max: 2, wanted: true},
		{name: "InitProducerId(22)", min: 0, max: 5, wanted: true},
		{name: "OffsetForLeaderEpoch(23)", min: 2, max: 4, wanted: true},
		{name: "AddPartitionsToTxn(24)", min: 0, max: 5},
		{name: "AddOffsetsToTxn(25)", min: 0, max: 4},
		{name: "EndTxn(26)", min: 0, max: 5},
		{name: "WriteTxnMarkers(27)", min: 1, max: 2},
		{name: "TxnOffsetCommit(28)", min: 0, max: 5},
		{name: "DescribeAcls(29)", min: 1, max: 3},
		{name: "CreateAcls(30)", min: 1, max: 3},
		{name: "DeleteAcls(31)", min: 1, max: 3},
		{name: "DescribeConfigs(32)", min: 1, max: 4, wanted: true},
		{name: "AlterConfigs(33)", min: 0, max: 2, wanted: true},
		{name: "AlterReplicaLogDirs(34)", min: 1, max: 2, wanted: true},
		{name: "DescribeLogDirs(35)", min: 1, max: 5, wanted: true},
		{name: "SaslAuthenticate(36)", min: 0, max: 2},
		{name: "CreatePartitions(37)", min: 0, max: 3, wanted: true},
		{name: "CreateDelegationToken(38)", min: 1, max: 3},
		{name: "RenewDelegationToken(39)", min: 1, max: 2},
		{name: "ExpireDelegationToken(40)", min: 1, max: 2},
		{name: "DescribeDelegationToken(41)", min: 1, max: 3},
		{name: "DeleteGroups(42)", min: 0, max: 2, wanted: true},
		{name: "ElectLeaders(43)", min: 0, max: 2, wanted: true},
		{name: "IncrementalAlterConfigs(44)", min: 0, max: 1, wanted: true},
		{name: "AlterPartitionReassignments(45)", min: 0, max: 1, wanted: true},
		{name: "ListPartitionReassignments(46)", min: 0, max: 0, wanted: true},
		{name: "OffsetDelete(47)", min: 0, max: 0, wanted: true},
		{name: "DescribeClientQuotas(48)", min: 0, max: 1},
		{name: "AlterClientQuotas(49)", min: 0, max: 1},
		{name: "DescribeUserScramCredentials(50)", min: 0, max: 0},
		{name: "AlterUserScramCredentials(51)", min: 0, max: 0},
		{name: "DescribeQuorum(55)", min: 0, max: 2, wanted: true},
		{name: "UpdateFeatures(57)", min: 0, max: 2, wanted: true},
		{name: "DescribeCluster(60)", min: 0, max: 2, wanted: true},
		{name: "DescribeProducers(61)", min: 0, max: 0, wanted: true},
		{name: "UnregisterBroker(64)", min: 0, max: 0},
		{name: "DescribeTransactions(65)", min: 0, max: 0},
		{name: "ListTransactions(66)", min: 0, max: 2},
		{name: "ConsumerGroupHeartbeat(68)", min: 0, max: 1},
		{name: "ConsumerGroupDescribe(69)", min: 0, max: 1},
		{name: "ListConfigResources(74)", min: 0, max: 1, wanted: true},
		{name: "DescribeTopicPartitions(75)", min: 0, max: 0, wanted: true},
		{name: "ShareGroupHeartbeat(76)", min: 1, max: 1},
		{name: "ShareGroupDescribe(77)", min: 1, max: 1},
		{name: "ShareFetch(78)", min: 1, max: 2},
		{name: "ShareAcknowledge(79)", min: 1, max: 2},
		{name: "AddRaftVoter(80)", min: 0, max: 1},
		{name: "RemoveRaftVoter(81)", min: 0, max: 0},
		{name: "InitializeShareGroupState(83)", min: 0, max: 0},
		{name: "ReadShareGroupState(84)", min: 0, max: 0},
		{name: "WriteShareGroupState(85)", min: 0, max: 1},
		{name: "DeleteShareGroupState(86)", min: 0, max: 0},
		{name: "ReadShareGroupStateSummary(87)", min: 0, max: 1},
		{name: "StreamsGroupHeartbeat(88)", min: 0, max: 0},
		{name: "StreamsGroupDescribe(89)", min: 0, max: 0},
		{name: "DescribeShareGroupOffsets(90)", min: 0, max: 1},
		{name: "AlterShareGroupOffsets(91)", min: 0, max: 0},
		{name: "DeleteShareGroupOffsets(92)", min: 0, max: 0},
	}
}
