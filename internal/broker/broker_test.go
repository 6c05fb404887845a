package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/pflag"
	"go.uber.org/goleak"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/vfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run is a broker under test, over a file system in memory.
type run struct {
	*Broker
	stop func() error // ends it, and returns what Run returned
}

// build makes a broker with a command line. What is returned beside it is closed when it
// logs a line that begins with until.
func build(t *testing.T, fs vfs.FS, until string, args ...string) (*Broker, <-chan struct{}) {
	t.Helper()
	set := pflag.NewFlagSet("chronik-server", pflag.ContinueOnError)
	flags := config.NewFlags(set)
	if err := set.Parse(append([]string{"--data-dir", "data", "--kafka-port", "0"}, args...)); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(flags, config.Surroundings{Hostname: os.Hostname, Root: os.DirFS("/")})
	if err != nil {
		t.Fatal(err)
	}
	said := &listener{until: until, heard: make(chan struct{})}
	b, err := New(Options{Config: cfg, FS: fs, Logger: slog.New(said.wrap(slog.NewTextHandler(t.Output(), nil)))})
	if err != nil {
		t.Fatal(err)
	}
	return b, said.heard
}

// start runs a broker with a command line. It returns when the broker logs a line that
// begins with until.
func start(t *testing.T, fs vfs.FS, until string, args ...string) run {
	t.Helper()
	b, heard := build(t, fs, until, args...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	select {
	case <-heard:
	case err := <-ended:
		ended <- err
		t.Fatalf("the broker ended: %v", err)
	}
	return run{b, stop}
}

// listener closes heard at the first line that begins with until.
type listener struct {
	slog.Handler
	until string
	heard chan struct{}
	once  *sync.Once
}

func (l *listener) wrap(h slog.Handler) *listener {
	return &listener{Handler: h, until: l.until, heard: l.heard, once: new(sync.Once)}
}

// Handle implements slog.Handler.
func (l *listener) Handle(ctx context.Context, r slog.Record) error {
	if l.until != "" && strings.HasPrefix(r.Message, l.until) {
		l.once.Do(func() { close(l.heard) })
	}
	return l.Handler.Handle(ctx, r)
}

// refused is what a start is refused with.
func refused(t *testing.T, fs vfs.FS, args ...string) string {
	t.Helper()
	b, _ := build(t, fs, "", args...)
	err := b.Run(t.Context())
	if err == nil {
		t.Fatal("the node started")
	}
	return err.Error()
}

// waiting is the command line of a node whose peers are not there.
var waiting = []string{
	"--override", "node.id=1", "--override", "raft.addr=127.0.0.1:0", "--override", "peers=2@127.0.0.1:1,3@127.0.0.1:2", "--override", "bootstrap=true",
}

// A node that is stopped while it waits for others has not looked into its logs. After
// a crash they may be torn, and the next start has to find that out.
func TestStopWhileWaitingIsAsCleanAsWhatWasFound(t *testing.T) {
	fs := vfs.NewMem()
	marked := func() bool {
		_, err := fs.Stat(filepath.Join("data", cleanFile))
		return err == nil
	}
	wait := func() {
		t.Helper()
		if err := start(t, fs, "Raft cluster initialized", waiting...).stop(); err != nil {
			t.Fatal(err)
		}
	}
	wait()
	if marked() {
		t.Error("a stop before the logs were recovered counts as a clean one")
	}
	if err := vfs.WriteFileAtomically(fs, filepath.Join("data", cleanFile), nil); err != nil {
		t.Fatal(err)
	}
	wait()
	if !marked() {
		t.Error("logs that were closed in order, and not touched since, count as torn")
	}
}

// The metadata log holds the node's vote. A directory that has lost it is not a new one.
func TestDirectoryWithoutItsMetadataLogIsRefused(t *testing.T) {
	fs := vfs.NewMem()
	d := openForTest(t, fs)
	if err := errors.Join(d.joined("ours"), d.close()); err != nil {
		t.Fatal(err)
	}
	if why := refused(t, fs, waiting...); !strings.Contains(why, "is of cluster ours, and its __cluster_metadata-0 is missing") {
		t.Errorf("refused with: %s", why)
	}
}

func TestWhatAStartIsRefusedWith(t *testing.T) {
	fs := vfs.NewMem()
	if err := start(t, fs, "Raft cluster initialized", waiting...).stop(); err != nil {
		t.Fatal(err)
	}
	with := func(setting string) []string { return append(slices.Clone(waiting), "--override", setting) }
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	tests := []struct {
		name string
		fs   vfs.FS
		args []string
		want string
	}{
		{"other peers", fs, with("peers=2@127.0.0.1:1,4@127.0.0.1:2"), "is of a cluster of the nodes [1 2 3]: correct --peers"},
		{"alone", fs, []string{"--override", "node.id=1"}, "start it with raft-cluster and its --peers"},
		{"the cluster port is taken", fs, with("raft.addr=" + taken.Addr().String()), "choose another address with --raft-addr"},
		{"another node's", fs, append(slices.Clone(waiting), "--override", "node.id=7"), "belongs to node 1, and this node is 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if why := refused(t, tt.fs, tt.args...); !strings.Contains(why, tt.want) || strings.Contains(why, "\n") {
				t.Errorf("refused with: %s", why)
			}
		})
	}
	// Nothing of that has harmed it.
	if err := start(t, fs, "Raft cluster initialized", waiting...).stop(); err != nil {
		t.Fatal(err)
	}
}
