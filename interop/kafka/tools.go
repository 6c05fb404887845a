package kafka

import (
	"context"
	"os"
	"path/filepath"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/install"
)

// toolClasses are Kafka's command-line tools; the names are those of its scripts.
func toolClasses() map[string]string {
	const tools = "org.apache.kafka.tools."
	return map[string]string{
		"broker-api-versions": tools + "BrokerApiVersionsCommand",
		"cluster":             tools + "ClusterTool",
		"configs":             "kafka.admin.ConfigCommand",
		"console-consumer":    tools + "consumer.ConsoleConsumer",
		"console-producer":    tools + "ConsoleProducer",
		"consumer-groups":     tools + "consumer.group.ConsumerGroupCommand",
		"consumer-perf-test":  tools + "ConsumerPerformance",
		"delete-records":      tools + "DeleteRecordsCommand",
		"dump-log":            tools + "DumpLogSegments",
		"e2e-latency":         tools + "EndToEndLatency",
		"features":            tools + "FeatureCommand",
		"get-offsets":         tools + "GetOffsetShell",
		"groups":              tools + "GroupsCommand",
		"leader-election":     tools + "LeaderElectionCommand",
		"log-dirs":            tools + "LogDirsCommand",
		"metadata-quorum":     tools + "MetadataQuorumCommand",
		"producer-perf-test":  tools + "ProducerPerformance",
		"reassign-partitions": tools + "reassign.ReassignPartitionsCommand",
		"topics":              tools + "TopicCommand",
		"verifiable-consumer": tools + "VerifiableConsumer",
		"verifiable-producer": tools + "VerifiableProducer",
	}
}

// Tool is one run of one of Kafka's tools.
type Tool struct {
	Name  string
	Args  []string
	Stdin string
	// Local tools read files and know no broker.
	Local bool
}

// Line is the command line of a tool that bootstraps from a broker: a small heap,
// the quick compiler only, and shared class data where we have them.
func (t *Tools) Line(bootstrap string, run Tool) command.Line {
	return t.line(bootstrap, run)
}

func (t *Tools) line(bootstrap string, run Tool, javaArgs ...string) command.Line {
	class := toolClasses()[run.Name]
	if t.version != "" && run.Name == "console-producer" {
		class = "kafka.tools.ConsoleProducer" // before Kafka 4
	}
	args := append(t.java(), javaArgs...)
	args = append(args, "-cp", filepath.Join(t.jars, "*"), class)
	switch {
	case run.Local:
		args = append(args, run.Args...)
	case t.version != "" && run.Name == "producer-perf-test": // takes it as a property
		args = append(args, run.Args...)
	case run.Name == "cluster": // alone in taking the server after its subcommand
		args = append(append(args, run.Args...), "--bootstrap-server", bootstrap)
	default:
		args = append(append(args, "--bootstrap-server", bootstrap), run.Args...)
	}
	title := run.Name
	if t.version != "" {
		title = t.version + " " + title
	}
	for _, a := range run.Args {
		title += " " + a
	}
	return command.Line{Name: title, Args: args, Stdin: run.Stdin}
}

// Program is the command line of one of our Java programs.
func (t *Tools) Program(class string, args ...string) command.Line {
	line := append(t.java(), "-cp", filepath.Join(t.jars, "*")+":"+t.classes, class)
	return command.Line{Name: class, Args: append(line, args...)}
}

func (t *Tools) java() []string {
	args := []string{"java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:cds=off", "-Xlog:cds+dynamic=off",
		"-Dlog4j2.configurationFile=" + filepath.Join(t.sources, "kafka", "log4j2.properties")}
	if t.archive != "" && install.Exists(t.archive) {
		args = append(args, "-XX:SharedArchiveFile="+t.archive)
	}
	return args
}

// MakeArchive has a JVM that asks a broker for its topics leave its class data for
// the next ones.
func (t *Tools) MakeArchive(ctx context.Context, bootstrap string) error {
	if install.Exists(t.archive) {
		return nil
	}
	// Renamed when whole: another suite's JVM may start meanwhile.
	part := t.archive + ".part"
	line := t.line(bootstrap, Tool{Name: "topics", Args: []string{"--list"}}, "-XX:ArchiveClassesAtExit="+part)
	if err := command.Succeed(ctx, line); err != nil {
		return err
	}
	return os.Rename(part, t.archive)
}
