import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** An idempotent producer with every setting at its default, that sends until it is told to finish. */
final class Producer implements Runnable {
    private static final int SEND_EVERY_MS = 10;
    private static final int UNDERWAY_MAX = 200;
    /** Beyond delivery.timeout.ms, by which the client itself gives a record up. */
    private static final int FINISH_MAX_S = 130;

    private final Map<String, Object> settings;
    private final String topic;
    private final AtomicIntegerArray underway;
    private final long[] sequences;
    private int clients;
    private volatile boolean sending = true;
    private volatile boolean finishing;

    Producer(String bootstrap, String topic, int partitions) {
        settings = Map.of("bootstrap.servers", bootstrap);
        this.topic = topic;
        underway = new AtomicIntegerArray(partitions);
        sequences = new long[partitions];
    }

    void finish() {
        sending = false;
    }

    @Override
    public void run() {
        while (sending) {
            clients++;
            KafkaProducer<byte[], byte[]> client = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
            try {
                while (sending) {
                    for (int p = 0; p < sequences.length; p++) {
                        send(client, p);
                    }
                    Thread.sleep(SEND_EVERY_MS);
                }
                flush(client);
            } catch (KafkaException | InterruptedException e) {
                Load.write(Load.now(), name(), "trouble", 0, Load.note(e)); // it takes nothing more: another client goes on
            }
            finishing = !sending;
            client.close(Duration.ZERO);
        }
    }

    private String name() {
        return "java/" + clients;
    }

    private void send(KafkaProducer<byte[], byte[]> client, int partition) {
        if (underway.get(partition) >= UNDERWAY_MAX) {
            return;
        }
        long sequence = ++sequences[partition];
        String name = name();
        String value = name + "." + partition + "." + sequence;
        byte[] payload = (value + " " + ".".repeat((int) (sequence * 37 % 400))).getBytes(StandardCharsets.UTF_8);
        String fields = ",\"value\":\"" + value + "\",\"sequence\":" + sequence;
        underway.incrementAndGet(partition);
        long began = Load.now();
        try {
            client.send(new ProducerRecord<>(topic, partition, null, payload), (metadata, e) -> {
                underway.decrementAndGet(partition);
                if (e == null) {
                    long offset = metadata.hasOffset() ? metadata.offset() : -1;
                    Load.write(began, name, "produce", partition, fields + ",\"outcome\":\"acked\",\"offset\":" + offset);
                } else {
                    String outcome = finishing ? "pending" : "unknown";
                    Load.write(began, name, "produce", partition, fields + ",\"outcome\":\"" + outcome + "\",\"offset\":-1" + Load.note(e));
                }
            });
        } catch (KafkaException e) {
            underway.decrementAndGet(partition);
            Load.write(began, name, "produce", partition, fields + ",\"outcome\":\"unknown\",\"offset\":-1" + Load.note(e));
            throw e;
        }
    }

    private static void flush(KafkaProducer<byte[], byte[]> client) throws InterruptedException {
        FutureTask<Void> flush = new FutureTask<>(client::flush, null);
        Thread flusher = new Thread(flush, "flush");
        flusher.setDaemon(true);
        flusher.start();
        Future<Void> done = flush;
        try {
            done.get(FINISH_MAX_S, TimeUnit.SECONDS);
        } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
            // What is left is pending, and says so when the client is closed.
        }
    }
}
