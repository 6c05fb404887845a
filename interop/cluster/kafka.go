package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chronik/chronik/interop/command"
	"github.com/chronik/chronik/interop/kafka"
)

const (
	// clusterID is any that Kafka takes.
	clusterID = "4L6g3nShT-eMCtK--X86sw"
	// interruptedJVM is what a JVM exits with after SIGINT, its shutdown hooks done.
	interruptedJVM = 130
)

// Kafka is a cluster of Apache Kafka's brokers, each a controller too, with Kafka's
// defaults but for the properties given, each name=value. None of them runs yet.
func Kafka(ctx context.Context, tools *kafka.Tools, more ...string) (c *Cluster, err error) {
	c, ports, err := empty("kafka", 3*Size)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil { // nobody else knows the directory
			c, err = nil, errors.Join(err, os.RemoveAll(c.Dir))
		}
	}()
	clients, controllers, secure := ports[:Size], ports[Size:2*Size], ports[2*Size:]
	var voters []string
	for i := range Size {
		voters = append(voters, fmt.Sprintf("%d@localhost:%d", i+1, controllers[i]))
	}
	for i, n := range c.Nodes {
		home := filepath.Join(c.Dir, fmt.Sprint("node", n.ID))
		n.Addr, n.DataDir = net.JoinHostPort("localhost", strconv.Itoa(clients[i])), filepath.Join(home, "data")
		n.SecureAddr = net.JoinHostPort("localhost", strconv.Itoa(secure[i]))
		controller := fmt.Sprint("CONTROLLER://localhost:", controllers[i])
		properties := append([]string{
			"process.roles=broker,controller",
			fmt.Sprint("node.id=", n.ID),
			"controller.quorum.voters=" + strings.Join(voters, ","),
			fmt.Sprintf("listeners=PLAINTEXT://%s,%s", n.Addr, controller),
			"controller.listener.names=CONTROLLER",
			"log.dirs=" + n.DataDir,
		}, more...)
		path := filepath.Join(home, "server.properties")
		if err := os.MkdirAll(home, 0o755); err != nil {
			return c, err
		}
		if err := os.WriteFile(path, []byte(strings.Join(properties, "\n")+"\n"), 0o600); err != nil {
			return c, err
		}
		if err := command.Succeed(ctx, tools.Format(clusterID, path)); err != nil {
			return c, err
		}
		n.args, n.exits = tools.Broker(path), interruptedJVM
		n.secure = func(keystore string) error { return n.secureKafka(path, controller, keystore) }
	}
	return c, nil
}
