"""aiokafka: the asyncio client."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from checks import CODECS, Checks, equal, values

checks = Checks()


async def create(topic, partitions=1):
    admin = AIOKafkaAdminClient(bootstrap_servers=checks.broker)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, checks.replicas)])
    finally:
        await admin.close()


async def produce(topic, records, **config):
    async with AIOKafkaProducer(bootstrap_servers=checks.broker, linger_ms=5, **config) as producer:
        sent = [await producer.send(topic, value, key=value[-1:], headers=[("h", b"1")]) for value in records]
        await producer.flush()
        return [(await s).offset for s in sent]


def consumer(group, *topics, **config):
    return AIOKafkaConsumer(*topics, bootstrap_servers=checks.broker, group_id=group, auto_offset_reset="earliest",
                            enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500, **config)


async def codec(name):
    topic = checks.topic("codec-" + name)
    await create(topic)
    equal(await produce(topic, values(1, 500), compression_type=None if name == "none" else name), list(range(500)))
    async with consumer(None, topic) as c:
        got = [await c.getone() for _ in range(500)]
    equal([m.value for m in got], values(1, 500))
    equal(list(got[0].headers), [("h", b"1")])


async def idempotent():
    topic = checks.topic("idempotent")
    await create(topic)
    await produce(topic, values(1, 1000), enable_idempotence=True, max_batch_size=1024)
    async with consumer(topic, topic) as c:
        equal([(await c.getone()).value for _ in range(1000)], values(1, 1000))


async def assigned(c, count):
    while len(c.assignment()) != count:
        await c.getmany(timeout_ms=100)


async def rebalance():
    topic = checks.topic("rebalance")
    await create(topic, 4)
    async with consumer(topic, topic) as first:
        await assigned(first, 4)
        async with consumer(topic, topic) as second:
            await asyncio.gather(assigned(first, 2), assigned(second, 2))
            equal(sorted(p.partition for p in first.assignment() | second.assignment()), [0, 1, 2, 3])
        await assigned(first, 4)


async def resume():
    topic = checks.topic("resume")
    await create(topic)
    await produce(topic, values(1, 10))
    p = TopicPartition(topic, 0)
    async with consumer(topic, topic) as c:
        for _ in range(4):
            await c.getone()
        await c.commit({p: 4})
    async with consumer(topic, topic) as c:
        equal([(await c.getone()).value for _ in range(6)], values(5, 10))
        equal(await c.committed(p), 4)


async def offsets():
    topic = checks.topic("offsets")
    await create(topic)
    await produce(topic, values(1, 10))
    p = TopicPartition(topic, 0)
    async with consumer(None) as c:
        c.assign([p])
        equal((await c.beginning_offsets([p]))[p], 0)
        equal((await c.end_offsets([p]))[p], 10)
        equal((await c.offsets_for_times({p: 1}))[p].offset, 0)
        c.seek(p, 7)
        equal((await c.getone()).value, b"value-8")


for name in CODECS:
    checks.run("produce and consume, " + name, codec, name)
checks.run("idempotent producer", idempotent)
checks.run("rebalance between two members", rebalance)
checks.run("commit and resume", resume)
checks.run("offsets and seek", offsets)
checks.end()
