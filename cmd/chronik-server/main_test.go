package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chronik/chronik/internal/config"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"chronik-server": main,
		"fake-server":    fakeMain,
	})
}

// TestCommandLine runs the scripts of testdata/script: what a user types, and
// what they see. fake-server is chronik-server with a broker that does what
// FAKE_BROKER says. PORT was free a moment ago.
func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		env.Setenv("PORT", strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		return l.Close()
	}})
}

func fakeMain() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr, func(c *config.Config, log *slog.Logger) (node, error) {
		behaviour := os.Getenv("FAKE_BROKER")
		if behaviour == "refuse" {
			return nil, errors.New("data directory " + c.DataDir + " is in use by another broker")
		}
		if cluster := c.Cluster; cluster != nil {
			var peers []string
			for _, p := range cluster.Peers {
				peers = append(peers, fmt.Sprintf("%d@%s", p.Node, p.Address))
			}
			log.Info("cluster", "node", fmt.Sprintf("node %d, cluster port %s, peers %s, bootstrap %t",
				c.NodeID, strings.Join(cluster.Bind, " "), strings.Join(peers, " "), cluster.Bootstrap))
		}
		return fakeNode{behaviour: behaviour, log: log}, nil
	}))
}

type fakeNode struct {
	behaviour string
	log       *slog.Logger
}

func (n fakeNode) Run(ctx context.Context) error {
	switch n.behaviour {
	case "fail":
		return errors.New("broker: the disk is gone")
	case "ready": // one of several
		n.log.Info("chronik is ready")
	case "interrupt":
		signalSelf(syscall.SIGINT)
	default:
		signalSelf(syscall.SIGTERM)
	}
	<-ctx.Done()
	switch n.behaviour {
	case "echo":
		signalSelf(syscall.SIGTERM)
	case "hang":
		for range time.Tick(10 * time.Millisecond) { // somebody who does not let go of Ctrl+C
			signalSelf(syscall.SIGINT)
		}
	}
	n.log.Info("stopped")
	return nil
}

func signalSelf(s syscall.Signal) {
	if err := syscall.Kill(os.Getpid(), s); err != nil {
		panic(err)
	}
}
