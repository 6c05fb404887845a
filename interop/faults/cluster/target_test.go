//go:build linux

package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func place(t *testing.T) Place {
	t.Helper()
	dir := t.TempDir()
	return Place{ID: 2, Addrs: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, Dir: filepath.Join(dir, "disk"), Work: dir}
}

func TestChronikIsStartedAsAnOperatorStartsIt(t *testing.T) {
	p := place(t)
	got, err := Chronik{Server: "chronik-server"}.Command(p)
	want := []string{"chronik-server", "--node-id", "2", "--advertised-addr", "10.0.0.2", "--kafka-port", "9092",
		"--data-dir", filepath.Join(p.Dir, "data"), "raft-cluster", "--raft-addr", "10.0.0.2:9192",
		"--peers", "1@10.0.0.1:9192,3@10.0.0.3:9192", "--bootstrap"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestKafkaIsFormattedOnce: before it has a directory, and not again.
func TestKafkaIsFormattedOnce(t *testing.T) {
	p := place(t)
	data := filepath.Join(p.Dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	formatted := filepath.Join(p.Work, "formatted")
	k := Kafka{Java: []string{"bash", "-c", "echo x >>" + formatted}}
	for range 2 {
		command, err := k.Command(p)
		if err != nil || !slices.Equal(command[3:], []string{"kafka.Kafka", filepath.Join(p.Work, "server.properties")}) {
			t.Fatalf("%q, %v", command, err)
		}
		if err := os.WriteFile(filepath.Join(data, "meta.properties"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if times, err := os.ReadFile(formatted); err != nil || string(times) != "x\n" {
		t.Errorf("formatted %q, %v", times, err)
	}
	settings, err := os.ReadFile(filepath.Join(p.Work, "server.properties"))
	for _, want := range []string{"node.id=2\n", "controller.quorum.voters=1@10.0.0.1:9192,2@10.0.0.2:9192,3@10.0.0.3:9192\n",
		"listeners=PLAINTEXT://10.0.0.2:9092,CONTROLLER://10.0.0.2:9192\n", "log.dirs=" + data + "\n"} {
		if !strings.Contains(string(settings), want) {
			t.Errorf("%s: no %q in %s", err, want, settings)
		}
	}
}
