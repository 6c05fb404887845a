import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;

/** Consumer groups of the classic protocol, with the Java client's consumers. */
public final class Groups {
    private static final String ASSIGNORS = "org.apache.kafka.clients.consumer.";

    private final Checks checks;
    private final Clients clients;

    private Groups(String[] args) {
        checks = new Checks(args);
        clients = new Clients(checks);
    }

    public static void main(String[] args) {
        Groups groups = new Groups(args);
        for (String name : List.of("RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor")) {
            groups.checks.run("rebalance between two members, " + name, () -> groups.rebalance(name));
        }
        groups.checks.run("commit and resume", groups::resume);
        groups.checks.run("static member comes back without a rebalance", groups::staticMember);
        groups.checks.run("a member that does not heartbeat is dropped", groups::dropped);
        groups.checks.end();
    }

    /** A consumer that polls on its own thread until it is stopped. */
    private final class Member extends Thread {
        private final KafkaConsumer<String, String> consumer;
        private volatile Set<TopicPartition> assigned = Set.of();
        private volatile int rebalances;

        Member(String topic, Object... settings) {
            consumer = clients.consumer(topic, settings);
            consumer.subscribe(List.of(topic), new org.apache.kafka.clients.consumer.ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(java.util.Collection<TopicPartition> partitions) {
                }

                @Override
                public void onPartitionsAssigned(java.util.Collection<TopicPartition> partitions) {
                    rebalances++;
                }
            });
            setDaemon(true);
            start();
        }

        @Override
        public void run() {
            try (consumer) {
                while (!isInterrupted()) {
                    consumer.poll(Duration.ofMillis(50));
                    assigned = Set.copyOf(consumer.assignment());
                }
            } catch (WakeupException e) {
                assigned = Set.of();
            }
        }

        void leave() {
            consumer.wakeup();
            try {
                join(20_000);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void rebalance(String assignor) throws Exception {
        String topic = checks.topic("rebalance-" + assignor);
        clients.create(topic, 6);
        Object[] settings = {"partition.assignment.strategy", ASSIGNORS + assignor};
        Member first = new Member(topic, settings);
        Checks.until(() -> first.assigned.size() == 6, Groups::pause);
        Member second = new Member(topic, settings);
        Checks.until(() -> first.assigned.size() == 3 && second.assigned.size() == 3, Groups::pause);
        Set<TopicPartition> all = new HashSet<>(first.assigned);
        all.addAll(second.assigned);
        Checks.equal(all.size(), 6);
        second.leave();
        Checks.until(() -> first.assigned.size() == 6, Groups::pause);
        first.leave();
    }

    private void resume() throws Exception {
        String topic = checks.topic("resume");
        TopicPartition partition = new TopicPartition(topic, 0);
        clients.create(topic, 1);
        clients.produce(topic, 1, 10);
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic, "max.poll.records", "4")) {
            consumer.subscribe(List.of(topic));
            Checks.equal(Clients.read(consumer, 4).size(), 4);
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(4, "so far")));
        }
        try (KafkaConsumer<String, String> consumer = clients.consumer(topic)) {
            consumer.subscribe(List.of(topic));
            Checks.equal(Clients.valuesOf(Clients.read(consumer, 6)), Clients.values(5, 10));
            Checks.equal(consumer.committed(Set.of(partition)).get(partition).metadata(), "so far");
        }
    }

    private void staticMember() throws Exception {
        String topic = checks.topic("static");
        clients.create(topic, 4);
        Member stays = new Member(topic, "group.instance.id", "stays");
        Member goes = new Member(topic, "group.instance.id", "goes");
        Checks.until(() -> stays.assigned.size() == 2 && goes.assigned.size() == 2, Groups::pause);
        int before = stays.rebalances;
        Set<TopicPartition> held = goes.assigned;
        goes.leave(); // sends no LeaveGroup: it is static
        Member again = new Member(topic, "group.instance.id", "goes");
        Checks.until(() -> again.assigned.size() == 2, Groups::pause);
        Checks.equal(again.assigned, held);
        Checks.equal(stays.rebalances, before);
        again.leave();
        stays.leave();
    }

    private void dropped() throws Exception {
        String topic = checks.topic("dropped");
        clients.create(topic, 2);
        Member stays = new Member(topic);
        // Static, so that closing it says nothing and only the session's end frees its partition.
        Member goes = new Member(topic, "group.instance.id", "goes");
        Checks.until(() -> stays.assigned.size() == 1 && goes.assigned.size() == 1, Groups::pause);
        goes.leave();
        Checks.until(() -> stays.assigned.size() == 2, Groups::pause);
        stays.leave();
    }
}
