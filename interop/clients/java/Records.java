import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** What the Java client produces is what it reads. */
public final class Records {
    private final Checks checks;
    private final Clients clients;

    private Records(String[] args) {
        checks = new Checks(args);
        clients = new Clients(checks);
    }

    public static void main(String[] args) {
        Records records = new Records(args);
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            records.checks.run("produce and consume, " + codec, () -> records.codec(codec));
        }
        for (String acks : List.of("0", "1", "all")) {
            records.checks.run("acks=" + acks, () -> records.acks(acks));
        }
        records.checks.run("idempotent producer, many small batches in flight", records::idempotent);
        records.checks.run("seek by timestamp", records::seekByTimestamp);
        records.checks.run("isolation level read_committed", records::readCommitted);
        records.checks.run("offset out of range resets", records::outOfRange);
        records.checks.end();
    }

    private void codec(String codec) throws Exception {
        String topic = checks.topic("codec-" + codec);
        clients.create(topic, 1);
        List<RecordMetadata> written = clients.produce(topic, 1, 1000, "compression.type", codec, "linger.ms", "5");
        for (int i = 0; i < written.size(); i++) {
            Checks.equal(written.get(i).offset(), (long) i);
        }
        readAll(topic, 1000);
    }

    private void acks(String acks) throws Exception {
        String topic = checks.topic("acks-" + acks);
        clients.create(topic, 1);
        clients.produce(topic, 1, 300, "acks", acks, "enable.idempotence", acks.equals("all") ? "true" : "false");
        readAll(topic, 300);
    }

    private void idempotent() throws Exception {
        String topic = checks.topic("idempotent");
        clients.create(topic, 1);
        clients.produce(topic, 1, 5000, "enable.idempotence", "true", "batch.size", "512", "linger.ms", "0",
            "max.in.flight.requests.per.connection", "5");
        readAll(topic, 5000);
    }

    private void readAll(String topic, int count) {
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            List<ConsumerRecord<String, String>> got = Clients.read(consumer, count);
            Checks.equal(Clients.valuesOf(got), Clients.values(1, count));
            Checks.equal(got.get(9).key(), "key-10");
            Checks.equal(got.get(9).headers().lastHeader("h").value()[0], (byte) 10);
            Checks.equal(consumer.position(partition), (long) count);
        }
    }

    private void seekByTimestamp() throws Exception {
        String topic = checks.topic("timestamps");
        clients.create(topic, 1);
        try (KafkaProducer<String, String> producer = clients.producer()) {
            for (int n = 0; n < 10; n++) {
                producer.send(new ProducerRecord<>(topic, 0, 1_700_000_000_000L + n * 1000L, null, "value-" + n)).get();
            }
        }
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic)) {
            consumer.assign(List.of(partition));
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, 1_700_000_003_500L)).get(partition);
            Checks.equal(found.offset(), 4L);
            Checks.equal(found.timestamp(), 1_700_000_004_000L);
            consumer.seek(partition, found.offset());
            Checks.equal(Clients.read(consumer, 6).get(0).value(), "value-4");
            Checks.equal(consumer.offsetsForTimes(Map.of(partition, 1_800_000_000_000L)).get(partition), null);
        }
    }

    private void readCommitted() throws Exception {
        String topic = checks.topic("committed");
        clients.create(topic, 1);
        clients.produce(topic, 1, 50);
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic, "isolation.level", "read_committed")) {
            consumer.subscribe(List.of(topic));
            Checks.equal(Clients.valuesOf(Clients.read(consumer, 50)), Clients.values(1, 50));
        }
    }

    private void outOfRange() throws Exception {
        String topic = checks.topic("out-of-range");
        clients.create(topic, 1);
        clients.produce(topic, 1, 5);
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic)) {
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 1000);
            Checks.equal(Clients.read(consumer, 5).get(0).offset(), 0L);
        }
    }
}
