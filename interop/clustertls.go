package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik/chronik/interop/cluster"
	"github.com/chronik/chronik/interop/command"
)

// turnAwayMax is how long the cluster port may listen to who is no node: far less than
// it waits for one that says nothing.
const turnAwayMax = time.Second

func installClusterTLS(ctx context.Context, t *tools) error {
	return errors.Join(installKafka(ctx, t), installKcat(ctx, t), t.Need(ctx, "openssl", "openssl"))
}

// runClusterTLS has three nodes know each other by certificates that openssl makes.
func runClusterTLS(s *suiteRun) {
	dir, err := os.MkdirTemp("", "chronik-certificates-")
	defer os.RemoveAll(dir)
	s.check("openssl makes certificates", func(c *check) {
		c.NoError(err)
		for _, ca := range []string{"ours", "another"} {
			makeCA(c, dir, ca)
			for id := 1; id <= cluster.Size; id++ {
				makeCertificate(c, dir, ca, nodeName(id))
			}
		}
	})
	flags := func(ca string) func(int) []string {
		return func(id int) []string {
			key, certificate := certificateFiles(dir, ca, nodeName(id))
			return []string{"-o", "cluster.ssl.certificate.file=" + certificate, "-o", "cluster.ssl.key.file=" + key,
				"-o", "cluster.ssl.ca.file=" + filepath.Join(dir, "ours.crt")}
		}
	}
	s.onOwnNodes(flags("ours"), func(own *ownCluster) {
		topic := own.topic("tls")
		var led cluster.Partition
		own.check("records on three nodes", func(c *check) {
			led = own.created(c, topic)
			c.kcat(text(numbers(1, 100)), "-P", "-t", topic, "-X", "topic.request.required.acks=-1")
			readFromEach(c, own, topic, 100)
		})
		own.check("who is no node is turned away", func(c *check) {
			turnedAway(c, own.Node(1))
			refusesTLS(c, own.Node(1))
			key, certificate := certificateFiles(dir, "another", nodeName(1))
			pair, err := tls.LoadX509KeyPair(certificate, key)
			c.NoError(err)
			refusesTLS(c, own.Node(1), pair)
		})
		own.check("a leader is killed and comes back", func(c *check) {
			c.NoError(own.Node(led.Leader).Kill())
			own.followed(c, topic, others(led.Leader)...)
			c.kcat(text(numbers(101, 200)), "-P", "-t", topic, "-X", "topic.request.required.acks=-1")
			c.NoError(own.Start(c.Ctx, led.Leader))
			own.whole(c, topic)
			readFromEach(c, own, topic, 200)
		})
		own.check("a node with a certificate of another CA is not let in, and says so", func(c *check) {
			strange := own.Node(3)
			_, err := strange.Stop()
			c.NoError(err)
			own.followed(c, topic, 1, 2)
			strange.Configure(flags("another")(3)...)
			from := len(readLog(c, strange))
			c.NoError(strange.Start())
			says := regexp.MustCompile(`(?m)^.*(certificate|unknown authority).*$`)
			c.eventually(func() error {
				if !says.MatchString(readLog(c, strange)[from:]) {
					return errors.New("node 3 does not mention its certificate")
				}
				return nil
			})
			own.followed(c, topic, 1, 2)
			_, err = strange.Stop()
			c.NoError(err)
			c.Lacks(readLog(c, strange)[from:], "chronik is ready")
			strange.Configure(flags("ours")(3)...)
			c.NoError(own.Start(c.Ctx, 3))
			own.whole(c, topic)
		})
	})
}

func readLog(c *check, n *cluster.Node) string {
	data, err := os.ReadFile(n.LogPath)
	c.NoError(err)
	return string(data)
}

// readFromEach reads a topic with each node as the only one that the client is told of.
func readFromEach(c *check, own *ownCluster, topic string, count int) {
	for _, addr := range own.Addrs() {
		out := c.Exec(line{Name: "kcat -b " + addr, Args: []string{c.tools.kcat, "-b", addr, "-C", "-t", topic, "-o", "beginning", "-e", "-q"}})
		c.Equal("records through "+addr, out, text(numbers(1, count)))
	}
}

// turnedAway demands that a client of Kafka's protocol is hung up on, and not kept
// waiting.
func turnedAway(c *check, n *cluster.Node) {
	conn, err := net.Dial("tcp", n.ClusterAddr)
	c.NoError(err)
	defer conn.Close()
	c.NoError(conn.SetDeadline(time.Now().Add(turnAwayMax)))
	r := kmsg.NewPtrApiVersionsRequest()
	_, err = conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("interop")).AppendRequest(nil, r, 1))
	c.NoError(err)
	endsAlone(c, conn)
}

// refusesTLS demands that a TLS client with these certificates is not accepted.
func refusesTLS(c *check, n *cluster.Node, certificates ...tls.Certificate) {
	conn, err := tls.Dial("tcp", n.ClusterAddr, &tls.Config{InsecureSkipVerify: true, Certificates: certificates})
	if err != nil {
		return // with TLS 1.2 it learns so
	}
	defer conn.Close()
	c.NoError(conn.SetDeadline(time.Now().Add(turnAwayMax)))
	endsAlone(c, conn)
}

// endsAlone demands that the other side ends a connection, in whichever way.
func endsAlone(c *check, conn net.Conn) {
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		c.Failf("%s does not hang up within %s", conn.RemoteAddr(), turnAwayMax)
	}
}

// nodeName is whom a node's certificate is for.
func nodeName(id int) string { return fmt.Sprint("node-", id) }

func certificateFiles(dir, ca, who string) (key, certificate string) {
	base := filepath.Join(dir, ca+"-"+who)
	return base + ".key", base + ".crt"
}

func makeCA(c *check, dir, name string) {
	base := filepath.Join(dir, name)
	openssl(c, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN="+name,
		"-keyout", base+".key", "-out", base+".crt")
}

func makeCertificate(c *check, dir, ca, who string) {
	key, certificate := certificateFiles(dir, ca, who)
	authority := filepath.Join(dir, ca)
	openssl(c, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN="+who,
		"-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate+".request")
	openssl(c, "x509", "-req", "-in", certificate+".request", "-CA", authority+".crt", "-CAkey", authority+".key", "-CAcreateserial",
		"-days", "2", "-copy_extensions", "copy", "-out", certificate)
}

func openssl(c *check, args ...string) {
	c.Exec(command.Line{Name: "openssl " + args[0], Args: append([]string{"openssl"}, args...)})
}
