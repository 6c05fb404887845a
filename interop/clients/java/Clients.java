import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Makes clients that begin with one broker, with the settings that all checks share. */
final class Clients {
    private final String broker;
    private final short replicas;

    Clients(Checks checks) {
        broker = checks.broker;
        replicas = checks.replicas();
    }

    private Map<String, Object> settings(Object... pairs) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", broker));
        for (int i = 0; i < pairs.length; i += 2) {
            settings.put((String) pairs[i], pairs[i + 1]);
        }
        return settings;
    }

    Admin admin() {
        return Admin.create(settings());
    }

    KafkaProducer<String, String> producer(Object... pairs) {
        return new KafkaProducer<>(settings(pairs), new StringSerializer(), new StringSerializer());
    }

    KafkaConsumer<String, String> consumer(String group, Object... pairs) {
        Map<String, Object> settings = settings(pairs);
        settings.put("group.id", group);
        settings.putIfAbsent("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("session.timeout.ms", "6000");
        settings.put("heartbeat.interval.ms", "500");
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    void create(String topic, int partitions) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(topic, partitions, replicas))).all().get();
        }
    }

    /** Produces "value-FIRST" to "value-LAST" to partition 0 and returns where they went. */
    List<RecordMetadata> produce(String topic, int first, int last, Object... pairs) throws Exception {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(pairs)) {
            for (int n = first; n <= last; n++) {
                ProducerRecord<String, String> record = new ProducerRecord<>(topic, 0, "key-" + n, "value-" + n);
                record.headers().add("h", new byte[] {(byte) n});
                sent.add(producer.send(record));
            }
        }
        List<RecordMetadata> written = new ArrayList<>();
        for (Future<RecordMetadata> future : sent) {
            written.add(future.get());
        }
        return written;
    }

    static List<String> values(int first, int last) {
        List<String> values = new ArrayList<>();
        for (int n = first; n <= last; n++) {
            values.add("value-" + n);
        }
        return values;
    }

    static List<ConsumerRecord<String, String>> read(KafkaConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> got = new ArrayList<>();
        Checks.until(() -> got.size() >= count, () -> consumer.poll(Duration.ofMillis(200)).forEach(got::add));
        return got;
    }

    static List<String> valuesOf(List<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).toList();
    }
}
