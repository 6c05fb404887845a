package broker

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/pflag"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/vfs"
)

// run is a broker under test, over a file system in memory.
type run struct {
	*Broker
	stop func() error // ends it, and returns what Run returned
}

// start runs a broker with a command line. It returns when the broker logs a line that
// begins with until.
func start(t *testing.T, fs vfs.FS, until string, args ...string) run {
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
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	select {
	case <-said.heard:
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
	if strings.HasPrefix(r.Message, l.until) {
		l.once.Do(func() { close(l.heard) })
	}
	return l.Handler.Handle(ctx, r)
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
