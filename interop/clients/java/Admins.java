import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** The Java admin client's calls. */
public final class Admins {
    private final Checks checks;
    private final Clients clients;
    private final Admin admin;

    private Admins(String[] args) {
        checks = new Checks(args);
        clients = new Clients(checks);
        admin = clients.admin();
    }

    public static void main(String[] args) {
        Admins admins = new Admins(args);
        Checks checks = admins.checks;
        checks.run("describeCluster", admins::describeCluster);
        checks.run("createTopics, describeTopics by name and id, createPartitions, deleteTopics", admins::topics);
        checks.run("createTopics: validateOnly, defaults, errors", admins::createTopics);
        checks.run("listOffsets, each kind", admins::listOffsets);
        checks.run("describeConfigs with synonyms and documentation", admins::describeConfigs);
        checks.run("incrementalAlterConfigs: set, append, subtract, delete", admins::alterConfigs);
        checks.run("deleteRecords", admins::deleteRecords);
        checks.run("describeProducers", admins::describeProducers);
        checks.run("describeLogDirs", admins::describeLogDirs);
        checks.run("describeMetadataQuorum", admins::describeQuorum);
        checks.run("listConfigResources", admins::listConfigResources);
        checks.run("groups: offsets altered, listed, deleted", admins::groupOffsets);
        admins.admin.close();
        checks.end();
    }

    private static Throwable failure(org.apache.kafka.common.KafkaFuture<?> future) throws InterruptedException {
        try {
            future.get();
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    private void describeCluster() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster();
        Checks.equal(cluster.nodes().get().size(), checks.brokers);
        Checks.equal(cluster.clusterId().get().length(), 22);
        Checks.that(cluster.nodes().get().contains(cluster.controller().get()), "the controller is none of the nodes");
    }

    private void topics() throws Exception {
        String topic = checks.topic("admin");
        clients.create(topic, 2);
        TopicDescription described = admin.describeTopics(List.of(topic)).topicNameValues().get(topic).get();
        Checks.equal(described.partitions().size(), 2);
        Checks.equal(described.partitions().get(1).isr().size(), (int) checks.replicas());
        var byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(described.topicId()))).topicIdValues();
        Checks.equal(byId.get(described.topicId()).get().name(), topic);
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
        Checks.eventually(() -> Checks.equal(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 3));
        Checks.eventually(() -> Checks.that(admin.listTopics().names().get().contains(topic), "the topic is not listed"));
        admin.deleteTopics(TopicCollection.ofTopicIds(List.of(described.topicId()))).all().get();
        Checks.eventually(() -> Checks.that(!admin.listTopics().names().get().contains(topic), "a deleted topic is listed"));
        Checks.eventually(() -> {
            Throwable gone = failure(admin.describeTopics(List.of(topic)).allTopicNames());
            Checks.that(gone instanceof UnknownTopicOrPartitionException, "describe of a deleted topic: " + gone);
        });
    }

    private void createTopics() throws Exception {
        NewTopic topic = new NewTopic(checks.topic("created"), Optional.empty(), Optional.empty())
            .configs(Map.of("retention.ms", "1000"));
        var only = new org.apache.kafka.clients.admin.CreateTopicsOptions().validateOnly(true);
        admin.createTopics(List.of(topic), only).all().get();
        Checks.that(!admin.listTopics().names().get().contains(topic.name()), "validateOnly created the topic");
        var created = admin.createTopics(List.of(topic));
        Checks.equal(created.numPartitions(topic.name()).get(), 1);
        Checks.equal(created.replicationFactor(topic.name()).get(), (int) checks.replicas());
        Checks.equal(created.config(topic.name()).get().get("retention.ms").value(), "1000");
        Throwable again = failure(admin.createTopics(List.of(topic)).all());
        Checks.that(again instanceof TopicExistsException, "created again: " + again);
    }

    private void listOffsets() throws Exception {
        String topic = checks.topic("list-offsets");
        TopicPartition partition = new TopicPartition(topic, 0);
        clients.create(topic, 1);
        try (var producer = clients.producer()) {
            for (long time : new long[] {1000, 3000, 2000}) {
                producer.send(new org.apache.kafka.clients.producer.ProducerRecord<>(topic, 0, time, "k", "v")).get();
            }
        }
        Checks.equal(offset(partition, OffsetSpec.earliest()).offset(), 0L);
        Checks.equal(offset(partition, OffsetSpec.latest()).offset(), 3L);
        Checks.equal(offset(partition, OffsetSpec.maxTimestamp()).offset(), 1L);
        Checks.equal(offset(partition, OffsetSpec.maxTimestamp()).timestamp(), 3000L);
        Checks.equal(offset(partition, OffsetSpec.forTimestamp(1500)).offset(), 1L);
        Checks.equal(offset(partition, OffsetSpec.earliestLocal()).offset(), 0L);
        Checks.equal(offset(partition, OffsetSpec.latestTiered()).offset(), -1L);
        Checks.equal(offset(partition, OffsetSpec.earliestPendingUpload()).offset(), -1L);
        Checks.that(offset(partition, OffsetSpec.latest()).leaderEpoch().isPresent(), "no leader epoch");
    }

    private ListOffsetsResultInfo offset(TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
    }

    private Config configs(ConfigResource resource) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true);
        return admin.describeConfigs(List.of(resource), options).all().get().get(resource);
    }

    private void describeConfigs() throws Exception {
        String topic = checks.topic("describe-configs");
        clients.create(topic, 1);
        ConfigEntry retention = configs(new ConfigResource(ConfigResource.Type.TOPIC, topic)).get("retention.ms");
        Checks.equal(retention.value(), "604800000");
        Checks.equal(retention.type(), ConfigEntry.ConfigType.LONG);
        Checks.that(retention.documentation().length() > 40, "documentation: " + retention.documentation());
        Checks.that(retention.isDefault() && !retention.isReadOnly() && !retention.isSensitive(), "flags: " + retention);
        String node = String.valueOf(admin.describeCluster().nodes().get().iterator().next().id());
        Config broker = configs(new ConfigResource(ConfigResource.Type.BROKER, node));
        ConfigEntry size = broker.get("message.max.bytes");
        Checks.equal(size.synonyms().get(0).source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        Checks.equal(size.type(), ConfigEntry.ConfigType.INT);
        Checks.that(broker.get("log.dirs").isReadOnly(), "log.dirs is not read-only");
        for (ConfigEntry entry : broker.entries()) {
            Checks.that(entry.documentation() != null && !entry.documentation().isEmpty(), entry.name() + " has no documentation");
        }
    }

    private void alterConfigs() throws Exception {
        String topic = checks.topic("alter-configs");
        clients.create(topic, 1);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        alter(resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND);
        Checks.eventually(() -> Checks.equal(Set.of(configs(resource).get("cleanup.policy").value().split(",")), Set.of("delete", "compact")));
        alter(resource, "cleanup.policy", "delete", AlterConfigOp.OpType.SUBTRACT);
        Checks.eventually(() -> Checks.equal(configs(resource).get("cleanup.policy").value(), "compact"));
        alter(resource, "segment.ms", "60000", AlterConfigOp.OpType.SET);
        Checks.eventually(() -> Checks.equal(configs(resource).get("segment.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG));
        alter(resource, "segment.ms", null, AlterConfigOp.OpType.DELETE);
        Checks.eventually(() -> Checks.that(configs(resource).get("segment.ms").isDefault(), "segment.ms was not deleted"));
    }

    private void alter(ConfigResource resource, String name, String value, AlterConfigOp.OpType type) throws Exception {
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry(name, value), type);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
    }

    private void deleteRecords() throws Exception {
        String topic = checks.topic("delete-records");
        TopicPartition partition = new TopicPartition(topic, 0);
        clients.create(topic, 1);
        clients.produce(topic, 1, 10);
        var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(6)));
        Checks.equal(deleted.lowWatermarks().get(partition).get().lowWatermark(), 6L);
        Checks.equal(offset(partition, OffsetSpec.earliest()).offset(), 6L);
        try (var consumer = clients.consumer(topic)) {
            consumer.subscribe(List.of(topic));
            Checks.equal(Clients.valuesOf(Clients.read(consumer, 4)), Clients.values(7, 10));
        }
    }

    private void describeProducers() throws Exception {
        String topic = checks.topic("producers");
        TopicPartition partition = new TopicPartition(topic, 0);
        clients.create(topic, 1);
        clients.produce(topic, 1, 10, "enable.idempotence", "true");
        List<ProducerState> producers = admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers();
        Checks.equal(producers.size(), 1);
        Checks.equal(producers.get(0).lastSequence(), 9);
        Checks.equal(producers.get(0).producerEpoch(), 0);
        Checks.that(producers.get(0).currentTransactionStartOffset().isEmpty(), "in a transaction");
    }

    private void describeLogDirs() throws Exception {
        String topic = checks.topic("producers");
        int node = admin.describeTopics(List.of(topic)).topicNameValues().get(topic).get().partitions().get(0).leader().id();
        var dirs = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
        var replica = dirs.values().iterator().next().replicaInfos().get(new TopicPartition(topic, 0));
        Checks.that(replica != null && replica.size() > 100, "replica: " + replica);
        Checks.that(dirs.values().iterator().next().totalBytes().isPresent(), "the directory's size is not known");
    }

    private void describeQuorum() throws Exception {
        QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
        Checks.equal(quorum.voters().size(), checks.brokers);
        Checks.that(quorum.voters().stream().anyMatch(v -> v.replicaId() == quorum.leaderId()), "the leader is no voter");
        Checks.that(quorum.highWatermark() > 0, "high watermark: " + quorum.highWatermark());
    }

    private void listConfigResources() throws Exception {
        var topics = admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new org.apache.kafka.clients.admin.ListConfigResourcesOptions());
        Set<String> names = topics.all().get().stream().map(ConfigResource::name).collect(Collectors.toSet());
        Checks.that(names.contains(checks.topic("alter-configs")), "topics: " + names);
    }

    private void groupOffsets() throws Exception {
        String group = checks.topic("admin-group");
        clients.create(group, 2);
        clients.produce(group, 1, 10);
        TopicPartition p0 = new TopicPartition(group, 0);
        TopicPartition p1 = new TopicPartition(group, 1);
        admin.alterConsumerGroupOffsets(group, Map.of(p0, new OffsetAndMetadata(3), p1, new OffsetAndMetadata(0))).all().get();
        var listed = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        Checks.equal(listed.get(p0).offset(), 3L);
        ConsumerGroupDescription described = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
        Checks.equal(described.groupState().toString(), "Empty");
        Set<String> groups = admin.listGroups(new ListGroupsOptions()).all().get().stream().map(GroupListing::groupId).collect(Collectors.toSet());
        Checks.that(groups.contains(group), "the group is not listed");
        admin.deleteConsumerGroupOffsets(group, Set.of(p1)).all().get();
        Checks.equal(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().keySet(), Set.of(p0));
        try (var consumer = clients.consumer(group)) {
            consumer.assign(List.of(p0));
            Checks.equal(Clients.valuesOf(Clients.read(consumer, 7)), Clients.values(4, 10));
        }
        admin.deleteConsumerGroups(List.of(group)).all().get();
        Throwable gone = failure(admin.deleteConsumerGroups(List.of(group)).all());
        Checks.that(gone instanceof GroupIdNotFoundException, "deleted again: " + gone);
    }
}
