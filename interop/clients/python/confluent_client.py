"""confluent-kafka (librdkafka): producer, consumer groups, admin."""

from confluent_kafka import (OFFSET_BEGINNING, Consumer, ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaException, Producer,
                             TopicCollection, TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)

from checks import CODECS, Checks, absent, equal, eventually, until, values

checks = Checks()
admin = AdminClient({"bootstrap.servers": checks.broker})


def create(topic, partitions=1, **config):
    admin.create_topics([NewTopic(topic, partitions, checks.replicas, config=config)])[topic].result(20)


def produce(topic, records, partition=0, **config):
    producer = Producer({"bootstrap.servers": checks.broker, "linger.ms": 5, **config})
    errors = []
    for value in records:
        producer.produce(topic, value, key=value[-1:], partition=partition, headers=[("h", b"1"), ("n", None)],
                         on_delivery=lambda err, _: err and errors.append(err))
    equal(producer.flush(20), 0)
    equal(errors, [])


def consumer(group, **config):
    return Consumer({"bootstrap.servers": checks.broker, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 6000, **config})


def read(c, count):
    got = []

    def poll():
        for m in c.consume(count - len(got), 0.5):
            if m.error():
                raise KafkaException(m.error())
            got.append(m)

    until(lambda: len(got) >= count, poll)
    return got


def codec(name):
    topic = checks.topic("codec-" + name)
    create(topic)
    produce(topic, values(1, 500), **{"compression.type": name})
    c = consumer(topic)
    c.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    got = read(c, 500)
    equal([m.value() for m in got], values(1, 500))
    equal(got[0].headers(), [("h", b"1"), ("n", None)])
    equal([m.offset() for m in got], list(range(500)))
    c.close()


def acks(level):
    topic = checks.topic("acks" + level)
    create(topic)
    produce(topic, values(1, 200), acks=level)
    c = consumer(topic)
    c.subscribe([topic])
    equal([m.value() for m in read(c, 200)], values(1, 200))
    c.close()


def idempotent():
    topic = checks.topic("idempotent")
    create(topic)
    produce(topic, values(1, 2000), **{"enable.idempotence": True, "batch.num.messages": 50})
    c = consumer(topic)
    c.subscribe([topic])
    equal([m.value() for m in read(c, 2000)], values(1, 2000))
    c.close()


def rebalance(strategy):
    topic = checks.topic("rebalance-" + strategy)
    create(topic, 4)
    config = {"partition.assignment.strategy": strategy}
    first, second = consumer(topic, **config), consumer(topic, **config)
    first.subscribe([topic])
    until(lambda: len(first.assignment()) == 4, lambda: first.poll(0.1))
    second.subscribe([topic])

    def poll():
        first.poll(0.05)
        second.poll(0.05)

    until(lambda: len(first.assignment()) == 2 and len(second.assignment()) == 2, poll)
    equal(sorted(p.partition for p in first.assignment() + second.assignment()), [0, 1, 2, 3])
    second.close()
    until(lambda: len(first.assignment()) == 4, lambda: first.poll(0.1))
    first.close()


def resume():
    topic = checks.topic("resume")
    create(topic)
    produce(topic, values(1, 10))
    first = consumer(topic)
    first.subscribe([topic])
    got = read(first, 4)
    first.commit(message=got[-1], asynchronous=False)
    first.close()
    second = consumer(topic)
    second.subscribe([topic])
    equal([m.value() for m in read(second, 6)], values(5, 10))
    equal(second.committed([TopicPartition(topic, 0)], 10)[0].offset, 4)
    second.close()


def static_member():
    topic = checks.topic("static")
    create(topic, 2)
    first = consumer(topic, **{"group.instance.id": "one"})
    first.subscribe([topic])
    until(lambda: len(first.assignment()) == 2, lambda: first.poll(0.1))
    before = first.memberid()
    first.close()
    again = consumer(topic, **{"group.instance.id": "one"})
    again.subscribe([topic])
    until(lambda: len(again.assignment()) == 2, lambda: again.poll(0.1))
    if before == again.memberid():
        raise AssertionError("a static member that came back kept its member id")
    again.close()


def offsets():
    topic = checks.topic("offsets")
    create(topic)
    produce(topic, values(1, 10))
    c = consumer(topic)
    equal(c.get_watermark_offsets(TopicPartition(topic, 0), 10), (0, 10))
    equal(c.offsets_for_times([TopicPartition(topic, 0, 0)], 10)[0].offset, 0)
    c.close()
    p = TopicPartition(topic, 0)
    for spec, want in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 10), (OffsetSpec.for_timestamp(1), 0)):
        equal(admin.list_offsets({p: spec})[p].result(20).offset, want)
    newest = admin.list_offsets({p: OffsetSpec.max_timestamp()})[p].result(20).offset
    if not 0 <= newest < 10:
        raise AssertionError(f"offset of the largest timestamp is {newest}")
    equal(admin.delete_records([TopicPartition(topic, 0, 3)])[p].result(20).low_watermark, 3)


def admin_topics():
    topic = checks.topic("admin")
    create(topic, 2, **{"retention.ms": "3600000"})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(20)
    in_sync = lambda: [len(p.isr) for p in admin.describe_topics(TopicCollection([topic]))[topic].result(20).partitions]
    eventually(lambda: equal(in_sync(), [checks.replicas] * 3))
    resource = ConfigResource(ResourceType.TOPIC, topic)
    retention = lambda: admin.describe_configs([resource])[resource].result(20)["retention.ms"].value
    equal(retention(), "3600000")
    change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)])
    admin.incremental_alter_configs([change])[change].result(20)
    eventually(lambda: equal(retention(), "7200000"))
    admin.delete_topics([topic])[topic].result(20)
    eventually(lambda: absent(topic, admin.list_topics(timeout=10).topics))


def admin_groups():
    group = checks.topic("resume")
    listed = {g.group_id: g for g in admin.list_consumer_groups().result(20).valid}
    equal(listed[group].state, ConsumerGroupState.EMPTY)
    described = admin.describe_consumer_groups([group])[group].result(20)
    equal((described.state, described.members), (ConsumerGroupState.EMPTY, []))
    p = TopicPartition(group, 0, 7)
    changed = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, [p])])[group].result(20)
    equal(changed.topic_partitions[0].error, None)
    got = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(20)
    equal([q.offset for q in got.topic_partitions], [7])
    admin.delete_consumer_groups([group])[group].result(20)
    listed = [g.group_id for g in admin.list_consumer_groups().result(20).valid]
    if group in listed:
        raise AssertionError("a deleted group is listed")


def cluster():
    described = admin.describe_cluster().result(20)
    equal(len(described.nodes), checks.brokers)
    equal(len(described.cluster_id), 22)


for name in CODECS:
    checks.run("produce and consume, " + name, codec, name)
for level in ("0", "1", "all"):
    checks.run("acks=" + level, acks, level)
checks.run("idempotent producer", idempotent)
for name in ("range", "roundrobin", "cooperative-sticky"):
    checks.run("rebalance between two members, " + name, rebalance, name)
checks.run("commit and resume", resume)
checks.run("static member comes back", static_member)
checks.run("offsets", offsets)
checks.run("admin: topics and settings", admin_topics)
checks.run("admin: groups", admin_groups)
checks.run("admin: cluster", cluster)
checks.end()
