'use strict'
// KafkaJS: producer, consumer groups, admin. Reports its checks as the driver
// wants them: "ok NAME", "not ok NAME" after "# " details, "1..COUNT" at the end.

const assert = require('node:assert/strict')
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require('kafkajs')
const lz4 = require('lz4-napi')
const snappy = require('snappyjs')
const { ZstdCodec } = require('zstd-codec')

const [broker, prefix, brokers] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'interop', brokers: broker.split(','), logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const topicOf = name => prefix + name

// registerCodecs adds what KafkaJS leaves to its users. Java's snappy wraps raw blocks in a
// frame of its own, which KafkaJS does not know: the broker takes the raw block as well.
async function registerCodecs () {
  const zstd = await new Promise(resolve => ZstdCodec.run(z => resolve(new z.Simple())))
  const codec = (compress, decompress) => () => ({
    compress: async encoder => Buffer.from(await compress(encoder.buffer)),
    decompress: async buffer => Buffer.from(await decompress(buffer))
  })
  CompressionCodecs[CompressionTypes.Snappy] = codec(b => snappy.compress(b), b => snappy.uncompress(b))
  CompressionCodecs[CompressionTypes.LZ4] = codec(lz4.compressFrame, lz4.decompressFrame)
  CompressionCodecs[CompressionTypes.ZSTD] = codec(b => zstd.compress(b), b => zstd.decompress(b))
}

let count = 0
let failed = 0

async function check (name, run) {
  try {
    await run()
    console.log('ok', name)
  } catch (e) {
    failed++
    for (const line of String(e.stack).split('\n').slice(0, 12)) console.log('#', line)
    console.log('not ok', name)
  }
  count++
}

const values = (first, last) => Array.from({ length: last - first + 1 }, (_, i) => `value-${first + i}`)

const create = (topic, numPartitions = 1) =>
  admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: Math.min(3, brokers) }] })

async function produce (topic, list, { compression, acks = -1, idempotent = false } = {}) {
  const producer = kafka.producer({ idempotent })
  await producer.connect()
  const messages = list.map(value => ({ key: 'k', value, partition: 0, headers: { h: '1' } }))
  const written = await producer.send({ topic, messages, compression, acks })
  await producer.disconnect()
  return written
}

const within = (promise, what, ms = 30000) => {
  let timer
  const late = new Promise((resolve, reject) => { timer = setTimeout(() => reject(new Error('not in time: ' + what)), ms) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// eventually repeats a check until it passes: a change that one broker has answered for
// reaches the others a moment later.
async function eventually (run, ms = 30000) {
  for (const deadline = Date.now() + ms; ;) {
    try {
      return await run()
    } catch (e) {
      if (!(e instanceof assert.AssertionError) || Date.now() > deadline) throw e
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

// member is a consumer that collects what it gets and remembers what it was assigned.
async function member (groupId, topic, options = {}) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 200, ...options })
  const m = { consumer, got: [], assigned: [], changed: () => {} }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    m.assigned = payload.memberAssignment[topic] ?? []
    m.changed()
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => {
      m.got.push(message)
      m.changed()
    }
  })
  m.until = (holds, what) => within(new Promise(resolve => {
    m.changed = () => { if (holds()) resolve() }
    m.changed()
  }), what)
  return m
}

async function readAll (topic, list) {
  const m = await member(topic + '-reader', topic)
  try {
    await m.until(() => m.got.length >= list.length, `${list.length} records`)
    assert.deepEqual(m.got.map(x => x.value.toString()), list)
    assert.equal(m.got[0].headers.h.toString(), '1')
  } finally {
    await m.consumer.disconnect()
  }
}

async function rebalance () {
  const topic = topicOf('rebalance')
  await create(topic, 4)
  const first = await member(topic, topic)
  await first.until(() => first.assigned.length === 4, 'first has all four')
  const second = await member(topic, topic)
  await Promise.all([
    first.until(() => first.assigned.length === 2, 'first has two'),
    second.until(() => second.assigned.length === 2, 'second has two')
  ])
  assert.deepEqual([...first.assigned, ...second.assigned].sort(), [0, 1, 2, 3])
  await second.consumer.disconnect()
  await first.until(() => first.assigned.length === 4, 'first has all four again')
  await first.consumer.disconnect()
}

async function resume () {
  const topic = topicOf('resume')
  await create(topic)
  await produce(topic, values(1, 10))
  const first = await member(topic, topic)
  await first.until(() => first.got.length === 10, 'ten records')
  await first.consumer.commitOffsets([{ topic, partition: 0, offset: '4' }])
  await first.consumer.disconnect()
  const second = await member(topic, topic)
  await second.until(() => second.got.length === 6, 'six records')
  assert.deepEqual(second.got.map(m => m.value.toString()), values(5, 10))
  await second.consumer.disconnect()
  const [committed] = await admin.fetchOffsets({ groupId: topic, topics: [topic] })
  assert.equal(committed.partitions[0].offset, '4')
  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition: 0, offset: '2' }] })
  assert.equal((await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0].partitions[0].offset, '2')
  const { groups } = await admin.describeGroups([topic])
  assert.equal(groups[0].state, 'Empty')
  await admin.deleteGroups([topic])
  assert.ok(!(await admin.listGroups()).groups.some(g => g.groupId === topic), 'a deleted group is listed')
}

async function adminTopics () {
  const topic = topicOf('admin')
  await create(topic, 2)
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await eventually(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    assert.equal(topics[0].partitions.length, 3)
  })
  await produce(topic, values(1, 5))
  const offsets = await admin.fetchTopicOffsets(topic)
  assert.deepEqual(offsets.map(p => p.high).sort(), ['0', '0', '5'])
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
  assert.equal((await admin.fetchTopicOffsets(topic)).find(p => p.partition === 0).low, '2')
  await admin.alterConfigs({ resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '9000' }] }] })
  await eventually(async () => {
    const described = await admin.describeConfigs({ resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] })
    assert.equal(described.resources[0].configEntries[0].configValue, '9000')
  })
  await admin.deleteTopics({ topics: [topic] })
  await eventually(async () => assert.ok(!(await admin.listTopics()).includes(topic), 'a deleted topic is listed'))
}

async function main () {
  await registerCodecs()
  await admin.connect()
  const codecs = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' }
  for (const [name, key] of Object.entries(codecs)) {
    await check('produce and consume, ' + name, async () => {
      const topic = topicOf('codec-' + name)
      await create(topic)
      const [written] = await produce(topic, values(1, 300), { compression: CompressionTypes[key] })
      assert.equal(written.baseOffset, '0')
      await readAll(topic, values(1, 300))
    })
  }
  for (const acks of [0, 1]) {
    await check('acks=' + acks, async () => {
      const topic = topicOf('acks' + acks)
      await create(topic)
      await produce(topic, values(1, 100), { acks })
      await readAll(topic, values(1, 100))
    })
  }
  await check('idempotent producer', async () => {
    const topic = topicOf('idempotent')
    await create(topic)
    await produce(topic, values(1, 500), { idempotent: true })
    await readAll(topic, values(1, 500))
  })
  await check('rebalance between two members', rebalance)
  await check('commit and resume, group admin', resume)
  await check('admin: topics, offsets, settings', adminTopics)
  await admin.disconnect()
  console.log(`1..${count}`)
  process.exit(failed > 0 ? 1 : 0)
}

main().catch(e => {
  console.error(e)
  process.exit(2)
})
