package settings

// unusedTable holds the settings of Kafka 4.3's brokers, and of older ones, that
// do nothing in chronik, with the reason. Never written.
var unusedTable = [...]reasoned{
	{"of TLS chronik serves what ssl.keystore, ssl.truststore, ssl.client.auth and ssl.enabled.protocols say", []string{
		"ssl.cipher.suites", "ssl.engine.factory.class", "ssl.keystore.password", "ssl.principal.mapping.rules",
		"ssl.truststore.password",
	}},
	{"TLS is Go's own, and no Java class", []string{
		"security.providers", "ssl.keymanager.algorithm", "ssl.protocol", "ssl.provider", "ssl.secure.random.implementation",
		"ssl.trustmanager.algorithm",
	}},
	{"a certificate that has changed is taken, whatever its names", []string{
		"ssl.allow.dn.changes", "ssl.allow.san.changes",
	}},
	{"chronik's nodes do not connect to listeners", []string{
		"ssl.endpoint.identification.algorithm",
	}},
	{"SASL is not served yet", []string{
		"connection.failed.authentication.delay.ms", "connections.max.reauth.ms", "delegation.token.expiry.check.interval.ms",
		"delegation.token.expiry.time.ms", "delegation.token.max.lifetime.ms", "delegation.token.secret.key",
		"sasl.client.callback.handler.class", "sasl.enabled.mechanisms", "sasl.jaas.config", "sasl.kerberos.kinit.cmd",
		"sasl.kerberos.min.time.before.relogin", "sasl.kerberos.principal.to.local.rules", "sasl.kerberos.service.name",
		"sasl.kerberos.ticket.renew.jitter", "sasl.kerberos.ticket.renew.window.factor", "sasl.login.callback.handler.class",
		"sasl.login.class", "sasl.login.connect.timeout.ms", "sasl.login.read.timeout.ms", "sasl.login.refresh.buffer.seconds",
		"sasl.login.refresh.min.period.seconds", "sasl.login.refresh.window.factor", "sasl.login.refresh.window.jitter",
		"sasl.login.retry.backoff.max.ms", "sasl.login.retry.backoff.ms", "sasl.mechanism.controller.protocol",
		"sasl.mechanism.inter.broker.protocol", "sasl.oauthbearer.assertion.algorithm", "sasl.oauthbearer.assertion.claim.aud",
		"sasl.oauthbearer.assertion.claim.exp.seconds", "sasl.oauthbearer.assertion.claim.iss",
		"sasl.oauthbearer.assertion.claim.jti.include", "sasl.oauthbearer.assertion.claim.nbf.seconds",
		"sasl.oauthbearer.assertion.claim.sub", "sasl.oauthbearer.assertion.file", "sasl.oauthbearer.assertion.private.key.file",
		"sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.assertion.template.file",
		"sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.credentials.client.secret",
		"sasl.oauthbearer.clock.skew.seconds", "sasl.oauthbearer.expected.audience", "sasl.oauthbearer.expected.issuer",
		"sasl.oauthbearer.jwks.endpoint.refresh.ms", "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms",
		"sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "sasl.oauthbearer.jwks.endpoint.url", "sasl.oauthbearer.jwt.retriever.class",
		"sasl.oauthbearer.jwt.validator.class", "sasl.oauthbearer.scope", "sasl.oauthbearer.scope.claim.name",
		"sasl.oauthbearer.sub.claim.name", "sasl.oauthbearer.token.endpoint.url", "sasl.server.callback.handler.class",
	}},
	{"access control is not served yet: every client may do everything", []string{
		"authorizer.class.name", "principal.builder.class",
	}},
	{"tiered storage is not served yet", []string{
		"follower.fetch.last.tiered.offset.enable", "log.local.retention.bytes", "log.local.retention.ms", "remote.fetch.max.wait.ms",
		"remote.list.offsets.request.timeout.ms", "remote.log.index.file.cache.total.size.bytes", "remote.log.index.file.cache.ttl.ms",
		"remote.log.manager.copier.thread.pool.size", "remote.log.manager.copy.max.bytes.per.second",
		"remote.log.manager.copy.quota.window.num", "remote.log.manager.copy.quota.window.size.seconds",
		"remote.log.manager.expiration.thread.pool.size", "remote.log.manager.fetch.max.bytes.per.second",
		"remote.log.manager.fetch.quota.window.num", "remote.log.manager.fetch.quota.window.size.seconds",
		"remote.log.manager.follower.thread.pool.size", "remote.log.manager.task.interval.ms",
		"remote.log.manager.task.retry.backoff.max.ms", "remote.log.manager.task.retry.backoff.ms", "remote.log.manager.task.retry.jitter",
		"remote.log.manager.thread.pool.size", "remote.log.metadata.custom.metadata.max.bytes", "remote.log.metadata.manager.class.name",
		"remote.log.metadata.manager.class.path", "remote.log.metadata.manager.impl.prefix", "remote.log.metadata.manager.listener.name",
		"remote.log.reader.max.pending.tasks", "remote.log.reader.threads", "remote.log.storage.manager.class.name",
		"remote.log.storage.manager.class.path", "remote.log.storage.manager.impl.prefix", "remote.log.storage.system.enable",
	}},
	{"the consumer group protocol of KIP-848 is not served yet", []string{
		"group.consumer.assignment.interval.ms", "group.consumer.assignors", "group.consumer.heartbeat.interval.ms",
		"group.consumer.max.assignment.interval.ms", "group.consumer.max.heartbeat.interval.ms", "group.consumer.max.session.timeout.ms",
		"group.consumer.max.size", "group.consumer.migration.policy", "group.consumer.min.assignment.interval.ms",
		"group.consumer.min.heartbeat.interval.ms", "group.consumer.min.session.timeout.ms", "group.consumer.regex.refresh.interval.ms",
		"group.consumer.session.timeout.ms", "group.coordinator.rebalance.protocols",
	}},
	{"share groups are not served yet", []string{
		"group.share.assignment.interval.ms", "group.share.assignors", "group.share.delivery.count.limit",
		"group.share.heartbeat.interval.ms", "group.share.initialize.retry.interval.ms", "group.share.max.assignment.interval.ms",
		"group.share.max.delivery.count.limit", "group.share.max.heartbeat.interval.ms", "group.share.max.partition.max.record.locks",
		"group.share.max.record.lock.duration.ms", "group.share.max.session.timeout.ms", "group.share.max.share.sessions",
		"group.share.max.size", "group.share.min.assignment.interval.ms", "group.share.min.delivery.count.limit",
		"group.share.min.heartbeat.interval.ms", "group.share.min.partition.max.record.locks", "group.share.min.record.lock.duration.ms",
		"group.share.min.session.timeout.ms", "group.share.partition.max.record.locks", "group.share.persister.class.name",
		"group.share.record.lock.duration.ms", "group.share.session.timeout.ms", "share.coordinator.append.linger.ms",
		"share.coordinator.cached.buffer.max.bytes", "share.coordinator.cold.partition.snapshot.interval.ms",
		"share.coordinator.load.buffer.size", "share.coordinator.snapshot.update.records.per.snapshot",
		"share.coordinator.state.topic.compression.codec", "share.coordinator.state.topic.min.isr",
		"share.coordinator.state.topic.num.partitions", "share.coordinator.state.topic.prune.interval.ms",
		"share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.segment.bytes", "share.coordinator.threads",
		"share.coordinator.write.timeout.ms", "share.fetch.purgatory.purge.interval.requests",
	}},
	{"streams groups are not served yet", []string{
		"group.streams.assignment.interval.ms", "group.streams.heartbeat.interval.ms", "group.streams.initial.rebalance.delay.ms",
		"group.streams.max.assignment.interval.ms", "group.streams.max.heartbeat.interval.ms", "group.streams.max.session.timeout.ms",
		"group.streams.max.size", "group.streams.max.standby.replicas", "group.streams.min.assignment.interval.ms",
		"group.streams.min.heartbeat.interval.ms", "group.streams.min.session.timeout.ms", "group.streams.num.standby.replicas",
		"group.streams.session.timeout.ms",
	}},
	{"transactions are not served yet", []string{
		"add.partitions.to.txn.retry.backoff.max.ms", "add.partitions.to.txn.retry.backoff.ms",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms", "transaction.max.timeout.ms",
		"transaction.partition.verification.enable", "transaction.remove.expired.transaction.cleanup.interval.ms",
		"transaction.state.log.load.buffer.size", "transaction.state.log.min.isr", "transaction.state.log.num.partitions",
		"transaction.state.log.replication.factor", "transaction.state.log.segment.bytes", "transaction.two.phase.commit.enable",
		"transactional.id.expiration.ms",
	}},
	{"quotas are not served yet", []string{
		"alter.log.dirs.replication.quota.window.num", "alter.log.dirs.replication.quota.window.size.seconds",
		"client.quota.callback.class", "controller.quota.window.num", "controller.quota.window.size.seconds",
		"max.connection.creation.rate", "quota.window.num", "quota.window.size.seconds", "replication.quota.window.num",
		"replication.quota.window.size.seconds",
	}},
	{"client telemetry is not served yet", []string{
		"telemetry.max.bytes",
	}},
	{"a leader that works is left where it is", []string{
		"auto.leader.rebalance.enable", "leader.imbalance.check.interval.seconds",
	}},
	{"a node that stops always hands over what it leads", []string{
		"controlled.shutdown.enable",
	}},
	{"chronik's nodes know each other by id: peers and controller.quorum.voters say who they are", []string{
		"controller.quorum.bootstrap.servers",
	}},
	{"chronik's nodes agree on metadata through Raft, with a log, a protocol and timings of its own", []string{
		"controller.performance.always.log.threshold.ms", "controller.performance.sample.period.ms", "controller.quorum.append.linger.ms",
		"controller.quorum.auto.join.enable", "controller.quorum.election.backoff.max.ms", "controller.quorum.election.timeout.ms",
		"controller.quorum.fetch.max.bytes", "controller.quorum.fetch.snapshot.max.bytes", "controller.quorum.fetch.timeout.ms",
		"controller.quorum.request.timeout.ms", "controller.quorum.retry.backoff.ms",
		"controller.socket.timeout.ms", "early.start.listeners", "initial.broker.registration.timeout.ms", "inter.broker.listener.name",
		"internal.metadata.delete.delay.millis", "internal.metadata.log.segment.bytes", "internal.metadata.max.batch.size.in.bytes",
		"metadata.log.dir", "metadata.log.max.record.bytes.between.snapshots", "metadata.log.max.snapshot.interval.ms",
		"metadata.log.segment.bytes", "metadata.log.segment.ms", "metadata.max.idle.interval.ms", "metadata.max.retention.bytes",
		"metadata.max.retention.ms", "security.inter.broker.protocol",
	}},
	{"chronik replicates over streams of its own, without fetchers", []string{
		"num.replica.fetchers", "replica.fetch.backoff.ms", "replica.fetch.max.bytes", "replica.fetch.min.bytes",
		"replica.fetch.response.max.bytes", "replica.fetch.wait.max.ms", "replica.high.watermark.checkpoint.interval.ms",
		"replica.socket.receive.buffer.bytes", "replica.socket.timeout.ms", "request.timeout.ms",
		"socket.connection.setup.timeout.max.ms", "socket.connection.setup.timeout.ms",
	}},
	{"a replica that may miss acknowledged records is never elected", []string{
		"unclean.leader.election.enable", "unclean.leader.election.interval.ms",
	}},
	{"a node has one data directory", []string{
		"cordoned.log.dirs", "log.dir.failure.timeout.ms", "num.replica.alter.log.dirs.threads",
	}},
	{"Go's scheduler sizes the threads", []string{
		"background.threads", "group.coordinator.background.threads", "group.coordinator.threads", "log.cleaner.threads", "num.io.threads",
		"num.network.threads", "num.recovery.threads.per.data.dir", "queued.max.requests",
	}},
	{"waiting requests are not kept in purgatories", []string{
		"delete.records.purgatory.purge.interval.requests", "fetch.purgatory.purge.interval.requests",
		"producer.purgatory.purge.interval.requests",
	}},
	{"chronik needs no such file, buffer or timer: it groups writes by what the disk can take", []string{
		"group.coordinator.append.linger.ms", "group.coordinator.cached.buffer.max.bytes", "log.cleaner.io.buffer.load.factor",
		"log.cleaner.io.buffer.size", "log.cleaner.io.max.bytes.per.second", "log.initial.task.delay.ms", "offsets.commit.timeout.ms",
		"offsets.load.buffer.size", "offsets.topic.compression.codec", "producer.id.expiration.check.interval.ms",
	}},
	{"a log's start is written before the request that moved it is answered", []string{
		"log.flush.start.offset.checkpoint.interval.ms",
	}},
	{"the operating system's own limit (net.core.somaxconn) holds", []string{
		"socket.listen.backlog.size",
	}},
	{"chronik runs no Java classes", []string{
		"alter.config.policy.class.name", "config.providers", "create.topic.policy.class.name",
	}},
	{"there is no JMX, and metrics are not served yet", []string{
		"kafka.metrics.polling.interval.secs", "kafka.metrics.reporters", "metric.reporters", "metrics.num.samples",
		"metrics.recording.level", "metrics.sample.window.ms",
	}},
	{"it is internal to Kafka", []string{
		"server.max.startup.time.ms", "unstable.api.versions.enable", "unstable.feature.versions.enable",
	}},
	{"ZooKeeper has gone from Kafka too, with version 4.0", []string{
		"zookeeper.clientCnxnSocket", "zookeeper.connect", "zookeeper.connection.timeout.ms", "zookeeper.max.in.flight.requests",
		"zookeeper.metadata.migration.enable", "zookeeper.session.timeout.ms", "zookeeper.set.acl", "zookeeper.ssl.cipher.suites",
		"zookeeper.ssl.client.enable", "zookeeper.ssl.crl.enable", "zookeeper.ssl.enabled.protocols",
		"zookeeper.ssl.endpoint.identification.algorithm", "zookeeper.ssl.keystore.location", "zookeeper.ssl.keystore.password",
		"zookeeper.ssl.keystore.type", "zookeeper.ssl.ocsp.enable", "zookeeper.ssl.protocol", "zookeeper.ssl.truststore.location",
		"zookeeper.ssl.truststore.password", "zookeeper.ssl.truststore.type", "zookeeper.sync.time.ms",
	}},
	{"Kafka itself has removed it", []string{
		"advertised.host.name", "advertised.port", "broker.id.generation.enable", "control.plane.listener.name",
		"eligible.leader.replicas.enable", "group.coordinator.new.enable", "group.share.enable", "host.name",
		"inter.broker.protocol.version", "log.message.downconversion.enable", "log.message.format.version",
		"log.message.timestamp.difference.max.ms", "offsets.commit.required.acks", "password.encoder.cipher.algorithm",
		"password.encoder.iterations", "password.encoder.key.length", "password.encoder.keyfactory.algorithm",
		"password.encoder.old.secret", "password.encoder.secret", "port", "quota.consumer.default", "quota.producer.default",
		"reserved.broker.max.id",
	}},
}
