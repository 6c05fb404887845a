import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of the group that commits after each poll, and leaves now and then to come back as another. */
final class Member implements Runnable, ConsumerRebalanceListener {
    private static final String NAME = "member-java";
    private static final long STAY_LEAST_MS = 10_000;
    private static final long STAY_MOST_MS = 25_000;
    private static final Duration COMMIT_MAX = Duration.ofSeconds(5);

    private final Map<String, Object> settings;
    private final String topic;
    private final AtomicBoolean reading;
    private long session;

    Member(String bootstrap, String topic, String group, AtomicBoolean reading) {
        settings = Map.of("bootstrap.servers", bootstrap, "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false",
            "session.timeout.ms", "6000", "heartbeat.interval.ms", "1000", "request.timeout.ms", "6000", "default.api.timeout.ms", "10000",
            "partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        this.topic = topic;
        this.reading = reading;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        // Everything was committed after the poll before.
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        session++;
    }

    @Override
    public void run() {
        while (reading.get()) {
            session++;
            long stay = ThreadLocalRandom.current().nextLong(STAY_LEAST_MS, STAY_MOST_MS);
            long end = System.nanoTime() + stay * 1_000_000;
            try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer.subscribe(List.of(topic), this);
                while (reading.get() && System.nanoTime() < end) {
                    poll(consumer);
                }
            } catch (KafkaException e) {
                Load.write(Load.now(), NAME, "trouble", 0, Load.note(e)); // another takes its place
            }
        }
    }

    private void poll(KafkaConsumer<byte[], byte[]> consumer) {
        long began = Load.now();
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(500));
        for (TopicPartition partition : records.partitions()) {
            StringBuilder list = new StringBuilder();
            long next = 0;
            for (ConsumerRecord<byte[], byte[]> record : records.records(partition)) {
                list.append(list.isEmpty() ? "" : ",").append("{\"o\":").append(record.offset()).append(",\"v\":").append(Load.quoted(value(record.value()))).append("}");
                next = record.offset() + 1;
            }
            Load.write(began, NAME, "read", partition.partition(), ",\"session\":" + session + ",\"records\":[" + list + "]");
            commit(consumer, partition, next);
        }
    }

    private static void commit(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long next) {
        long began = Load.now();
        try {
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(next)), COMMIT_MAX);
            Load.write(began, NAME, "commit", partition.partition(), ",\"offset\":" + next + ",\"outcome\":\"acked\"");
        } catch (KafkaException e) {
            Load.write(began, NAME, "commit", partition.partition(), ",\"offset\":" + next + ",\"outcome\":\"unknown\"" + Load.note(e));
        }
    }

    /** What is no payload is a value as it stands, that nobody has sent. */
    private static String value(byte[] payload) {
        String text = new String(payload, StandardCharsets.UTF_8);
        int blank = text.indexOf(' ');
        boolean whole = blank >= 0 && text.substring(blank + 1).chars().allMatch(c -> c == '.');
        return whole ? text.substring(0, blank) : text;
    }
}
