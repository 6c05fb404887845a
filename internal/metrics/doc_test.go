package metrics

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var updateDocs = flag.Bool("update", false, "write docs/metrics.md anew")

const metricsDoc = "../../docs/metrics.md"

// docs/metrics.md is made of the list of families; this test fails where it is not
// what they say.
func TestMetricsDocIsCurrent(t *testing.T) {
	want := renderDoc()
	if *updateDocs {
		if err := os.WriteFile(metricsDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/metrics.md is out of date; run: make metrics")
	}
}

const docHead = `# Metrics and the admin listener

Made by ` + "`make metrics`" + ` from ` + "`internal/metrics`" + `.

Each node has an admin listener, on loopback and 10,000 above the port of its clients
unless ` + "`admin.addr`" + ` (` + "`--admin-addr`" + `) says otherwise: whoever reaches it may read
everything below, and there is no password. It answers GET and HEAD over HTTP.

| | |
|---|---|
| ` + "`/metrics`" + ` | what stands in the tables below, for Prometheus |
| ` + "`/healthz`" + ` | 200 while the process lives and its data directory is not fenced; else 503 |
| ` + "`/readyz`" + ` | 200 while the node is registered, not fenced, not leaving, and in the in-sync set of every partition that is assigned to it; else 503, and JSON that says what is missing |
| ` + "`/debug/partitions`" + ` | every replica of the node, as JSON; ` + "`?topic=NAME`" + ` of one topic, ` + "`?format=text`" + ` as a table |
| ` + "`/debug/raft`" + ` | the metadata quorum as the node sees it, as JSON |
| ` + "`/debug/pprof/`" + ` | Go's profiles; who waits (` + "`block`, `mutex`" + `) is measured only while ` + "`?seconds=N`" + ` asks for it |

## Names

Where Kafka has a metric, it has the name that Prometheus's JMX exporter gives it by
its example rules for Kafka (` + "`kafka-2_0_0.yml`, `kafka-kraft-3_0_0.yml`" + `), so that
dashboards and alerts made for Kafka find it. All others begin with ` + "`chronik_`" + `, or
are those that Prometheus's own clients give of a process. (Strimzi's rules name Raft's
` + "`kafka_server_raftmetrics_…`" + `; its KRaft panels want another name.)

What differs from Kafka:

- Quantiles are of what came since a scrape that was more than a minute ago, from
  buckets that are known to a quarter of a value. Where nothing came there is no
  series, in place of an old value. ` + "`chronik_…_seconds`" + ` are the histograms
  themselves: they can be added up over nodes, and quantiles over any time be made of
  them.
- A request's time ends when its response is made, before it is written: what the
  client takes to read it is not in it. There is no ` + "`localtimems`, `remotetimems`" + ` or
  queue time: there are no queues and no pool of threads between which a request
  passes, and so no ` + "`…avgidle_percent`" + ` either.
- Of ` + "`Fetch`" + ` all is ` + "`FetchConsumer`" + `: replicas do not use it.
- A series without the label ` + "`topic`" + ` is of all topics, deleted ones included, as in
  Kafka: sum over ` + "`topic!=\"\"`" + `, or take the one.
- What the metadata says of the cluster (` + "`kafka_controller_…`" + `) is the same on every
  node, as far as each has come: take the maximum, not the sum. Only
  ` + "`activecontrollercount`" + ` is to be added up.

An alert needs little more than
` + "`kafka_controller_kafkacontroller_offlinepartitionscount > 0`" + `,
` + "`kafka_server_replicamanager_underminisrpartitioncount > 0`" + ` (acks=-1 is refused),
` + "`kafka_server_replicamanager_underreplicatedpartitions > 0`" + ` for some minutes,
` + "`sum(kafka_controller_kafkacontroller_activecontrollercount) != 1`" + `,
` + "`kafka_log_logmanager_offlinelogdirectorycount > 0`" + `, and
` + "`chronik_data_dir_free_bytes`" + `.
`

func renderDoc() []byte {
	var out bytes.Buffer
	out.WriteString(docHead)
	for _, section := range []struct {
		title    string
		families []family
	}{
		{"Topics", topicFamilies()},
		{"Requests", requestFamilies()},
		{"Connections", connectionFamilies()},
		{"Replicas", replicaFamilies()},
		{"Partitions", partitionFamilies()},
		{"Logs", logFamilies()},
		{"The cluster and its controller", controllerFamilies()},
		{"The metadata quorum", raftFamilies()},
		{"The process", processFamilies()},
	} {
		fmt.Fprintf(&out, "\n## %s\n\n| metric | | Kafka's MBean |\n|---|---|---|\n", section.title)
		for _, f := range section.families {
			name := "`" + f.name + "`"
			if len(f.labels) > 0 {
				name += " by " + strings.Join(f.labels, ", ")
			}
			fmt.Fprintf(&out, "| %s | %s (%s) | %s |\n", name, f.help, f.kind, f.mbean)
		}
	}
	return out.Bytes()
}
