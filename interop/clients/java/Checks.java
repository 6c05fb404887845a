import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Runs named checks one after the other and reports each on a line of its own: "ok NAME", "not ok NAME"
 * with details in lines that begin with "# " before it, and "1..COUNT" at the end.
 */
final class Checks {
    /** A check passes when it returns. */
    interface Check {
        void run() throws Exception;
    }

    final String broker;
    /** How many brokers the cluster has. */
    final int brokers;
    private final String prefix;
    private int count;
    private int failed;

    Checks(String[] args) {
        broker = args[0];
        prefix = args[1];
        brokers = Integer.parseInt(args[2]);
    }

    /** How many replicas topics are to have. */
    short replicas() {
        return (short) Math.min(3, brokers);
    }

    /** A name that this run of this program alone uses. */
    String topic(String name) {
        return prefix + name;
    }

    void run(String name, Check check) {
        try {
            check.run();
            System.out.println("ok " + name);
        } catch (Exception | AssertionError e) {
            failed++;
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            trace.toString().lines().limit(12).forEach(line -> System.out.println("# " + line));
            System.out.println("not ok " + name);
        }
        count++;
    }

    void end() {
        System.out.println("1.." + count);
        System.out.flush();
        System.exit(failed > 0 ? 1 : 0);
    }

    static void equal(Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError("got " + got + ", want " + want);
        }
    }

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Repeats a check until it passes: a change that one broker has answered for reaches the others a moment later. */
    static void eventually(Check check) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (true) {
            try {
                check.run();
                return;
            } catch (AssertionError e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                Thread.sleep(20);
            }
        }
    }

    /** Repeats step until condition holds, for half a minute at most. */
    static void until(BooleanSupplier condition, Runnable step) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean()) {
            that(System.nanoTime() < deadline, "not within 30 s");
            step.run();
        }
    }
}
