"""kafka-python: the client that is Python all through."""

import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata

from checks import CODECS, Checks, absent, equal, eventually, until, values

checks = Checks()
admin = KafkaAdminClient(bootstrap_servers=checks.broker)


def create(topic, partitions=1):
    admin.create_topics([NewTopic(topic, partitions, checks.replicas)])


def produce(topic, records, **config):
    producer = KafkaProducer(bootstrap_servers=checks.broker, **{"linger_ms": 5, **config})
    sent = [producer.send(topic, value, key=value[-1:], headers=[("h", b"1")]) for value in records]
    producer.flush(20)
    offsets = [s.get(20).offset for s in sent]
    producer.close()
    return offsets


def consumer(group, *topics, **config):
    return KafkaConsumer(*topics, bootstrap_servers=checks.broker, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500,
                         **config)


def read(c, count):
    got = []

    def poll():
        for records in c.poll(500, count - len(got)).values():
            got.extend(records)

    until(lambda: len(got) >= count, poll)
    return got


def codec(name):
    topic = checks.topic("codec-" + name)
    create(topic)
    equal(produce(topic, values(1, 500), compression_type=None if name == "none" else name), list(range(500)))
    c = consumer(None)
    c.assign([TopicPartition(topic, 0)])
    got = read(c, 500)
    equal([m.value for m in got], values(1, 500))
    equal([tuple(h) for h in got[0].headers], [("h", b"1")])
    c.close()


def acks(level):
    topic = checks.topic(f"acks{level}")
    create(topic)
    produce(topic, values(1, 200), acks=level, enable_idempotence=level == "all")
    c = consumer(topic, topic)
    equal([m.value for m in read(c, 200)], values(1, 200))
    c.close()


class Member(threading.Thread):
    """A consumer that polls on a thread of its own until it is told to stop: a
    poll of kafka-python waits for the group, and so would two on one thread for each other."""

    def __init__(self, topic):
        super().__init__(daemon=True)
        self.topic, self.parts, self.stopped = topic, set(), threading.Event()
        self.start()

    def run(self):
        c = consumer(self.topic, self.topic)
        # It joins before it has metadata, and where that comes while it assigns partitions, of
        # which it knows none yet, it takes the assignment for up to date for five minutes.
        c.partitions_for_topic(self.topic)
        while not self.stopped.is_set():
            c.poll(100)
            self.parts = {p.partition for p in c.assignment()}
        c.close()

    def stop(self):
        self.stopped.set()
        self.join(20)


def rebalance():
    topic = checks.topic("rebalance")
    create(topic, 4)
    pause = threading.Event()
    first = Member(topic)
    until(lambda: first.parts == {0, 1, 2, 3}, lambda: pause.wait(0.05))
    second = Member(topic)
    until(lambda: len(first.parts) == len(second.parts) == 2 and not first.parts & second.parts, lambda: pause.wait(0.05))
    second.stop()
    until(lambda: first.parts == {0, 1, 2, 3}, lambda: pause.wait(0.05))
    first.stop()


def resume():
    topic = checks.topic("resume")
    create(topic)
    produce(topic, values(1, 10))
    first = consumer(topic, topic)
    read(first, 4)
    first.commit({TopicPartition(topic, 0): OffsetAndMetadata(4, "", -1)})
    first.close()
    second = consumer(topic, topic)
    equal([m.value for m in read(second, 6)], values(5, 10))
    equal(second.committed(TopicPartition(topic, 0)), 4)
    second.close()


def offsets():
    topic = checks.topic("offsets")
    create(topic)
    produce(topic, values(1, 10))
    p = TopicPartition(topic, 0)
    c = consumer(None)
    equal(c.beginning_offsets([p])[p], 0)
    equal(c.end_offsets([p])[p], 10)
    equal(c.offsets_for_times({p: 1})[p].offset, 0)
    c.close()


def admin_topics():
    topic = checks.topic("admin")
    create(topic, 2)
    admin.create_partitions({topic: NewPartitions(3)})
    eventually(lambda: equal(len(admin.describe_topics([topic])[0]["partitions"]), 3))
    admin.delete_topics([topic])
    eventually(lambda: absent(topic, admin.list_topics()))


for name in CODECS:
    checks.run("produce and consume, " + name, codec, name)
for level in (0, 1, "all"):
    checks.run(f"acks={level}", acks, level)
checks.run("rebalance between two members", rebalance)
checks.run("commit and resume", resume)
checks.run("offsets", offsets)
checks.run("admin: topics", admin_topics)
checks.end()
