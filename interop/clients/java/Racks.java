import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;

/** Consumers that say in which rack they are read from the replica there (KIP-392). */
public final class Racks {
    private static final int RECORDS = 2000;
    private static final int BYTES = 500;

    private final Checks checks;
    private final Clients clients;
    private final TopicPartition partition;

    private Racks(String[] args) {
        checks = new Checks(args);
        clients = new Clients(checks);
        partition = new TopicPartition(checks.topic("racks"), 0);
    }

    public static void main(String[] args) {
        Racks racks = new Racks(args);
        racks.checks.run("a topic with replicas in three racks", racks::produce);
        racks.checks.run("a consumer is served by the replica in its rack, whichever that is", racks::rackByRack);
        racks.checks.run("a consumer without a rack is served by the leader", racks::withoutRack);
        racks.checks.end();
    }

    private void produce() throws Exception {
        clients.create(partition.topic(), 1);
        try (KafkaProducer<String, String> producer = clients.producer("acks", "all")) {
            for (int n = 0; n < RECORDS; n++) {
                producer.send(new ProducerRecord<>(partition.topic(), 0, null, "v".repeat(BYTES)));
            }
        }
        List<Node> replicas = described().partitions().get(0).replicas();
        Checks.equal(replicas.stream().map(Node::rack).distinct().filter(r -> r != null).count(), 3L);
    }

    private TopicDescription described() throws Exception {
        try (Admin admin = clients.admin()) {
            return admin.describeTopics(List.of(partition.topic())).topicNameValues().get(partition.topic()).get();
        }
    }

    private void rackByRack() throws Exception {
        for (Node replica : described().partitions().get(0).replicas()) {
            servedBy(replica, "client.rack", replica.rack());
        }
    }

    private void withoutRack() throws Exception {
        servedBy(described().partitions().get(0).leader());
    }

    /** Reads all records and demands that they have come from one node: as many bytes, and few from the others. */
    private void servedBy(Node node, Object... settings) {
        try (KafkaConsumer<String, String> consumer = clients.consumer(partition.topic(), settings)) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            int[] got = {0};
            Checks.until(() -> got[0] >= RECORDS, () -> got[0] += consumer.poll(Duration.ofMillis(200)).count());
            for (Node other : List.of(new Node(1, "", 0), new Node(2, "", 0), new Node(3, "", 0))) {
                double bytes = received(consumer, other.id());
                boolean serves = bytes > RECORDS * BYTES;
                Checks.that(serves == (other.id() == node.id()) && (serves || bytes < RECORDS * BYTES / 10),
                    "of " + RECORDS * BYTES + " bytes " + bytes + " came from node " + other.id() + ", and node " + node.id() + " was to serve");
            }
        }
    }

    private static double received(KafkaConsumer<String, String> consumer, int node) {
        for (Map.Entry<MetricName, ? extends Metric> metric : consumer.metrics().entrySet()) {
            MetricName name = metric.getKey();
            if (name.name().equals("incoming-byte-total") && name.tags().getOrDefault("node-id", "").equals("node-" + node)) {
                return (Double) metric.getValue().metricValue();
            }
        }
        return 0;
    }
}
