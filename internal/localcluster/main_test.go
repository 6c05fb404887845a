package localcluster

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is also each node of the tests' clusters: FAKE_NODE says how it behaves.
func TestMain(m *testing.M) {
	switch behaviour := os.Getenv("FAKE_NODE"); behaviour {
	case "":
		os.Exit(m.Run())
	case "parent":
		parent()
	default:
		fakeNode(behaviour, os.Args[1:])
	}
}

// fakeNode says what it was given, holds a lock while it lives, and stops when asked.
func fakeNode(behaviour string, arguments []string) {
	directory := arguments[slices.Index(arguments, "--data-dir")+1]
	if err := os.MkdirAll(directory, 0o755); err != nil {
		panic(err)
	}
	lock, err := os.Create(filepath.Join(directory, "lock"))
	if err != nil {
		panic(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		panic(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	fmt.Fprintln(os.Stdout, "arguments", arguments)
	if behaviour == "refuse" {
		fmt.Fprint(os.Stderr, "no, thank you")
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, `{"msg":"chronik is ready"}`)
	<-signals
	fmt.Fprintln(os.Stdout, "stopped")
	if behaviour == "stumble" {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	os.Exit(0)
}
