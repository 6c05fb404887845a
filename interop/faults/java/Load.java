import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A producer and a member of a consumer group that say what they did and saw: each operation is a
 * line of JSON in the form of package history. They end in order when standard input does.
 * Arguments: bootstrap servers, topic, partitions, group.
 */
public final class Load {
    private Load() {
    }

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        AtomicBoolean reading = new AtomicBoolean(true);
        Thread member = new Thread(new Member(bootstrap, topic, args[3], reading), "member");
        member.start();
        Producer producer = new Producer(bootstrap, topic, partitions);
        Thread sending = new Thread(producer, "producer");
        sending.start();
        System.in.readAllBytes();
        producer.finish();
        sending.join();
        reading.set(false);
        member.join();
        System.out.flush();
        System.exit(0);
    }

    /** The machine's monotonic clock, which System.nanoTime is on Linux. */
    static long now() {
        return System.nanoTime();
    }

    /** Writes one operation; rest is its fields after the times, the client and the kind. */
    static void write(long began, String client, String kind, int partition, String rest) {
        String line = "{\"began\":" + began + ",\"ended\":" + now() + ",\"client\":\"" + client + "\",\"kind\":\"" + kind
            + "\",\"partition\":" + partition + rest + "}\n";
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        synchronized (System.out) {
            System.out.write(bytes, 0, bytes.length);
            System.out.flush();
        }
    }

    static String note(Exception e) {
        String text = e.getClass().getSimpleName() + ": " + e.getMessage();
        return ",\"note\":" + quoted(text);
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
