import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Produces a small record at a steady rate, and says of each that it was acknowledged as soon as it is.
 * Arguments are the brokers and settings as NAME=VALUE. What it is told, a line each: "produce TOPIC PARTITION
 * MILLISECONDS" (between two records, whose values count from 0), "stop" (answered by "stopped" when all have been
 * acknowledged or have failed), "create TOPIC". What it says: "ack NUMBER OFFSET", "fail NUMBER WHY", "created TOPIC".
 */
final class Producing {
    private final KafkaProducer<String, String> producer;
    private final Admin admin;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    private Future<?> sending;

    private Producing(Map<String, Object> settings) {
        producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        admin = Admin.create(Map.of("bootstrap.servers", settings.get("bootstrap.servers")));
    }

    public static void main(String[] args) throws Exception {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", args[0]));
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        Producing client = new Producing(settings);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "produce" -> client.produce(words[1], Integer.parseInt(words[2]), Long.parseLong(words[3]));
                case "stop" -> client.stop();
                case "create" -> client.create(words[1]);
                default -> throw new IllegalArgumentException(line);
            }
        }
        System.exit(0);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private void produce(String topic, int partition, long milliseconds) {
        AtomicLong next = new AtomicLong();
        sending = clock.scheduleAtFixedRate(() -> {
            long number = next.getAndIncrement();
            producer.send(new ProducerRecord<>(topic, partition, null, Long.toString(number)), (written, failure) ->
                say(failure == null ? "ack " + number + " " + written.offset() : "fail " + number + " " + failure));
        }, 0, milliseconds, TimeUnit.MILLISECONDS);
    }

    private void stop() throws InterruptedException, ExecutionException {
        sending.cancel(false);
        clock.submit(() -> { }).get(); // whatever was being sent has been
        producer.flush();
        say("stopped");
    }

    /** Creates a topic, and tries again whatever the reason why it did not work. */
    private void create(String topic) {
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 3))).all().whenComplete((none, failure) -> {
            if (failure == null || failure instanceof TopicExistsException || failure.getCause() instanceof TopicExistsException) {
                say("created " + topic);
            } else {
                create(topic);
            }
        });
    }
}
