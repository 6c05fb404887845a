package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/pflag"
)

// user is what a user gives.
type user struct {
	file    string // text of server.properties; "" is no file
	environ []string
	args    []string
	root    fstest.MapFS
}

func (u user) load(t testing.TB) (*Config, error) {
	t.Helper()
	if u.file != "" {
		path := filepath.Join(t.TempDir(), "server.properties")
		if err := os.WriteFile(path, []byte(u.file), 0o600); err != nil {
			t.Fatal(err)
		}
		u.args = append([]string{"--config", path}, u.args...)
	}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := NewFlags(set)
	if err := set.Parse(u.args); err != nil {
		t.Fatal(err)
	}
	return Load(flags, Surroundings{
		Environ:  u.environ,
		Hostname: func() (string, error) { return "box", nil },
		Root:     u.root,
	})
}

func mustLoad(t testing.TB, u user) *Config {
	t.Helper()
	c, err := u.load(t)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNothingGivenIsALoopbackBrokerWithKafkasDefaults(t *testing.T) {
	c := mustLoad(t, user{})
	want := []Listener{{Name: "PLAINTEXT", Protocol: "PLAINTEXT", Binds: []string{"127.0.0.1:9092", "[::1]:9092"},
		AdvertisedHost: "localhost", AdvertisedPort: 9092}}
	if !reflect.DeepEqual(c.Listeners, want) {
		t.Errorf("listeners %+v, want %+v", c.Listeners, want)
	}
	if c.NodeID != 1 || c.DataDir != "./data" || c.Rack != "" || len(c.Static) != 0 || len(c.Ignored) != 0 {
		t.Errorf("got %+v", c)
	}
	if c.Topics != (Topics{DefaultPartitions: 1, DefaultReplicationFactor: 1, AutoCreate: true, AllowDelete: true, DescribePartitionsMax: 2000}) {
		t.Errorf("topics %+v", c.Topics)
	}
	if c.Offsets != (Offsets{Partitions: 50, ReplicationFactor: 3, SegmentBytes: 100 << 20, Retention: 7 * 24 * time.Hour,
		RetentionCheckInterval: 10 * time.Minute, MetadataBytesMax: 4096}) {
		t.Errorf("offsets %+v", c.Offsets)
	}
	if c.Limits.FrameBytesMax != 100<<20 || c.Limits.FirstFrameBytesMax != 512<<10 || c.Limits.IdleMax != 10*time.Minute {
		t.Errorf("limits %+v", c.Limits)
	}
	if c.Storage.RetentionCheckInterval != 5*time.Minute || !c.Storage.CompactionEnabled {
		t.Errorf("storage %+v", c.Storage)
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	u := user{file: "num.partitions=2\nnode.id=2\nlog.dir=/file\nbroker.rack=r\n",
		environ: []string{"CHRONIK_NUM_PARTITIONS=3", "CHRONIK_DATA_DIR=/env", "CHRONIK_NODE_ID=3", "CHRONIK_BROKER_RACK=", "NO_COLOR=1"},
		args:    []string{"--node-id", "4", "-o", "log.retention.ms = 5", "--log-level=debug"}}
	c := mustLoad(t, u)
	if c.NodeID != 4 || c.Topics.DefaultPartitions != 3 || c.DataDir != "/env" || c.Rack != "r" || c.Log.Level.String() != "DEBUG" || !c.Log.NoColor {
		t.Errorf("got %+v", c)
	}
	want := map[string]string{"node.id": "4", "num.partitions": "3", "log.dir": "/env", "broker.rack": "r", "log.retention.ms": "5"}
	if !reflect.DeepEqual(c.Static, want) {
		t.Errorf("static %v, want %v", c.Static, want)
	}
}

func TestKafkasOwnFileIsTakenAsItIs(t *testing.T) {
	text, err := os.ReadFile("testdata/kafka-single.properties")
	if err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, user{file: string(text)})
	if c.NodeID != 7 || c.DataDir != "/tmp/kraft-combined-logs" || c.Topics.DefaultPartitions != 2 || c.Offsets.ReplicationFactor != 1 ||
		c.Sockets.SendBufferBytes != 102400 {
		t.Errorf("got %+v", c)
	}
	want := []Listener{{Name: "PLAINTEXT", Protocol: "PLAINTEXT", Binds: []string{":9092"}, AdvertisedHost: "localhost", AdvertisedPort: 9092}}
	if !reflect.DeepEqual(c.Listeners, want) {
		t.Errorf("listeners %+v, want %+v", c.Listeners, want)
	}
	var ignored []string
	for _, i := range c.Ignored {
		if i.Reason == "" {
			t.Errorf("%v are ignored without a reason", i.Names)
		}
		ignored = append(ignored, i.Names...)
	}
	slices.Sort(ignored)
	wantIgnored := []string{"CONTROLLER", "controller.quorum.bootstrap.servers", "inter.broker.listener.name", "num.io.threads",
		"num.network.threads", "num.recovery.threads.per.data.dir", "share.coordinator.state.topic.min.isr",
		"share.coordinator.state.topic.replication.factor", "transaction.state.log.min.isr", "transaction.state.log.replication.factor"}
	if !slices.Equal(ignored, wantIgnored) || len(c.Warnings) != 0 {
		t.Errorf("ignored %v, want %v; warnings %v", ignored, wantIgnored, c.Warnings)
	}
}

func TestWhatSomebodyMayRelyOnIsWarnedOf(t *testing.T) {
	c := mustLoad(t, user{file: "authorizer.class.name=a.b.C\ncontroller.quorum.bootstrap.servers=a:1,b:1\n"})
	if c.Cluster != nil {
		t.Errorf("servers without ids make a cluster: %+v", c.Cluster)
	}
	if len(c.Warnings) != 2 || !strings.HasPrefix(c.Warnings[0], "server.properties:1: ") || !strings.HasPrefix(c.Warnings[1], "server.properties:2: ") {
		t.Errorf("warnings %q", c.Warnings)
	}
}

func TestOlderNameOfTheNodeIDCountsWhereTheNewerIsMissing(t *testing.T) {
	if c := mustLoad(t, user{file: "broker.id=0\n"}); c.NodeID != 0 {
		t.Errorf("broker.id=0 alone: node %d", c.NodeID)
	}
	if c := mustLoad(t, user{file: "broker.id=5\n", args: []string{"--node-id=6"}}); c.NodeID != 6 {
		t.Errorf("with --node-id=6: node %d", c.NodeID)
	}
	if c := mustLoad(t, user{file: "broker.id=-1\n"}); c.NodeID != 1 {
		t.Errorf("broker.id=-1: node %d", c.NodeID)
	}
	if c := mustLoad(t, user{file: "log.dir=/older\n"}); c.DataDir != "/older" {
		t.Errorf("log.dir: %s", c.DataDir)
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	f := func(u user, want string) {
		t.Helper()
		_, err := u.load(t)
		if err == nil {
			t.Errorf("%+v was accepted, want: %s", u, want)
		} else if err.Error() != want {
			t.Errorf("error %q\nwant  %q", err, want)
		}
	}
	f(user{file: "# a comment\n\nnum.partition=3\n"}, "unknown setting num.partition in server.properties:3; did you mean num.partitions?")
	f(user{file: "broker.rack=/a,\\\n  wrong.name=b\nlog.dirs=x\n\nxyz = 1"}, "unknown setting xyz in server.properties:5; `chronik-server config describe` lists those that exist")
	f(user{environ: []string{"CHRONIK_NUM_PARTITIONZ=3"}}, "unknown setting num.partitionz in CHRONIK_NUM_PARTITIONZ; did you mean num.partitions?")
	f(user{args: []string{"-o", "num.partitions"}}, "--override num.partitions: write it as name=value")
	f(user{args: []string{"--data-dir", ""}}, "--data-dir is empty; give it a value or leave it out")
	f(user{args: []string{"--node-id", "one"}}, `--node-id: node.id: "one" is not a whole number from -2147483648 to 2147483647`)
	f(user{file: "segment.bytes=1\n"}, "unknown setting segment.bytes in server.properties:1; did you mean log.segment.bytes?")
	f(user{file: "log.segment.bytes=1\n"}, "server.properties:1: log.segment.bytes: 1 is below the least allowed value 1048576")
	f(user{file: "num.partitions=\n"}, `server.properties:1: num.partitions: "" is not a whole number from -2147483648 to 2147483647`)
	f(user{file: "log.dir=/a,/b\n"}, "server.properties:1: log.dir: this is the one data directory, and 2 are named; list the directories of partitions in log.dirs (--log-dirs)")
	f(user{file: "log.dirs=/a,/b/,/c,/b\n"}, "server.properties:1: log.dirs: /b is listed twice")
	f(user{file: "log.dirs=/a,,/b\n"}, "server.properties:1: log.dirs: a name between two commas is missing")
	f(user{file: "process.roles=controller\n"}, "server.properties:1: process.roles: every node is both; write broker,controller or leave it out")
	f(user{environ: []string{"CHRONIK_DATA_DIR=/a", "CHRONIK_LOG_DIR=/b"}}, "CHRONIK_DATA_DIR and CHRONIK_LOG_DIR both give log.dir, and differ; unset one of them")
	f(user{file: "group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8\n"},
		"group.min.session.timeout.ms (9) is above group.max.session.timeout.ms (8); lower the one or raise the other")
	f(user{file: "log.cleaner.min.compaction.lag.ms=9\nlog.cleaner.max.compaction.lag.ms=8\n"},
		"log.cleaner.min.compaction.lag.ms (9) is above log.cleaner.max.compaction.lag.ms (8); lower the one or raise the other")
	f(user{file: "socket.request.max.bytes=1000\n"},
		"message.max.bytes (1048588) is above socket.request.max.bytes (1000), so that such a batch could never be sent; raise the latter")
	f(user{args: []string{"--config", "/no/such"}}, "configuration file /no/such cannot be read: no such file or directory")
	f(user{environ: []string{"CHRONIK_CONFIG=/no/such"}}, "configuration file /no/such cannot be read: no such file or directory")
}

func TestFileOfAbsurdSizeIsRefused(t *testing.T) {
	_, err := user{file: strings.Repeat("#", fileBytesMax+1)}.load(t)
	if err == nil || !strings.HasSuffix(err.Error(), "is larger than 1048576 bytes; is it the right one?") {
		t.Errorf("error %v", err)
	}
}

func TestLongLinesContinueAndDollarsAreText(t *testing.T) {
	c := mustLoad(t, user{file: "log.dirs = /a/\\\n    ${b}/\\u00e9\nbroker.rack:r\n"})
	if c.DataDir != "/a/${b}/é" || c.Rack != "r" {
		t.Errorf("data directory %q, rack %q", c.DataDir, c.Rack)
	}
}

func TestPartitionsAreInTheLogDirectories(t *testing.T) {
	for _, c := range []struct {
		user user
		data string
		logs []string
	}{
		{user{}, "./data", []string{"./data"}},
		{user{file: "log.dir=/d\n"}, "/d", []string{"/d"}},
		{user{file: "log.dirs=/a\n"}, "/a", []string{"/a"}},
		{user{file: "log.dirs=/a, /b\n"}, "/a", []string{"/a", "/b"}},
		{user{args: []string{"--data-dir", "/d", "--log-dirs", "/a,/b"}}, "/d", []string{"/a", "/b"}},
		{user{file: "log.dirs=/a,/d\n", args: []string{"--data-dir", "/d"}}, "/d", []string{"/a", "/d"}},
	} {
		got := mustLoad(t, c.user)
		if got.DataDir != c.data || !slices.Equal(got.LogDirs, c.logs) {
			t.Errorf("%+v: data in %s, logs in %v; want %s, %v", c.user, got.DataDir, got.LogDirs, c.data, c.logs)
		}
	}
}

func TestKubernetesServiceVariablesAreNoSettings(t *testing.T) {
	c := mustLoad(t, user{environ: []string{
		"CHRONIK_SERVICE_HOST=10.0.0.1", "CHRONIK_SERVICE_PORT=9092", "CHRONIK_SERVICE_PORT_KAFKA=9092", "CHRONIK_PORT=tcp://10.0.0.1:9092",
		"CHRONIK_PORT_9092_TCP=tcp://10.0.0.1:9092", "CHRONIK_PORT_9092_TCP_ADDR=10.0.0.1", "CHRONIK_KAFKA_PORT=tcp://10.0.0.1:9092",
		"CHRONIK_KAFKA_SERVICE_HOST=10.0.0.1",
	}})
	if len(c.Static) != 0 || c.Listeners[0].AdvertisedPort != 9092 {
		t.Errorf("got %+v", c)
	}
	if c := mustLoad(t, user{environ: []string{"CHRONIK_KAFKA_PORT=9095"}}); c.Listeners[0].AdvertisedPort != 9095 {
		t.Errorf("CHRONIK_KAFKA_PORT=9095 was not taken: %+v", c.Listeners)
	}
}

func TestMemoryComesFromTheContainerOrTheMachine(t *testing.T) {
	const gib = 1 << 30
	meminfo := &fstest.MapFile{Data: []byte("MemFree: 1 kB\nMemTotal:        8388608 kB\n")}
	f := func(name string, root fstest.MapFS, environ []string, want Memory, wantRequests int64) {
		t.Helper()
		c := mustLoad(t, user{root: root, environ: environ})
		if c.Memory != want || c.Limits.RequestMemoryBytesMax != wantRequests {
			t.Errorf("%s: %+v and %d for requests, want %+v and %d", name, c.Memory, c.Limits.RequestMemoryBytesMax, want, wantRequests)
		}
	}
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	f("nothing known", nil, nil, Memory{}, requestBytesUnsure)
	f("machine", fstest.MapFS{"proc/meminfo": meminfo}, nil, Memory{AvailableBytes: 8 * gib}, gib)
	v2 := fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/a/b\n"),
		"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("1000000000\n")}
	f("cgroup v2", v2, nil, Memory{AvailableBytes: 1e9, GoLimitBytes: 9e8}, 25e7)
	f("GOMEMLIMIT", v2, []string{"GOMEMLIMIT=1GiB"}, Memory{AvailableBytes: 1e9}, 25e7)
	f("cgroup v2 in a container", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("0::/kubepods/x\n"),
		"sys/fs/cgroup/memory.max": file("64000000\n")}, nil, Memory{AvailableBytes: 64e6, GoLimitBytes: 576e5}, requestBytesLeast)
	f("cgroup v1", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("3:cpu:/c\n2:memory,other:/c\n0::/\n"),
		"sys/fs/cgroup/memory/c/memory.limit_in_bytes": file("500000000\n")}, nil, Memory{AvailableBytes: 5e8, GoLimitBytes: 45e7}, 125e6)
	f("cgroup v1 without limit", fstest.MapFS{"proc/meminfo": meminfo, "proc/self/cgroup": file("2:memory:/\n"),
		"sys/fs/cgroup/memory/memory.limit_in_bytes": file("9223372036854771712\n")}, nil, Memory{AvailableBytes: 8 * gib}, gib)
}

func TestHostNameIsNeededOnlyWhereItIsAdvertised(t *testing.T) {
	none := Surroundings{}
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := NewFlags(set)
	if _, err := Load(flags, none); err != nil {
		t.Errorf("on loopback: %v", err)
	}
	if err := set.Parse([]string{"-o", "listeners=PLAINTEXT://:1"}); err != nil {
		t.Fatal(err)
	}
	want := "this machine has no host name to tell clients; set advertised.listeners or --advertised-addr"
	if _, err := Load(flags, none); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func BenchmarkLoad(b *testing.B) {
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := NewFlags(set)
	if err := set.Parse([]string{"--config", "testdata/kafka-single.properties", "--node-id=3"}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(flags, RealSurroundings()); err != nil {
			b.Fatal(err)
		}
	}
}
