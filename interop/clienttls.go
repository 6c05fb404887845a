package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chronik/chronik/interop/cluster"
)

// keyPassword is that of the key that is encrypted, node 2's.
const keyPassword = "open-sesame"

// clientTLS is a directory of certificates and settings: of nodes, of clients that have
// a certificate (alice), none (anybody), or one of another authority's (stranger).
type clientTLS struct{ dir string }

// runClientTLS has clients and three nodes speak TLS, with certificates that openssl
// makes and a server.properties with Kafka's settings: clients have to show a
// certificate in the second half.
func runClientTLS(s *suiteRun) {
	dir, err := os.MkdirTemp("", "chronik-certificates-")
	defer os.RemoveAll(dir)
	files := clientTLS{dir}
	ready := false
	s.check("openssl makes certificates", func(c *check) {
		c.NoError(err)
		files.make(c)
		ready = true
	})
	if !ready {
		return
	}
	for _, auth := range []string{"requested", "required"} {
		var nodes *cluster.Cluster
		s.check("three nodes start, certificates of clients "+auth, func(c *check) {
			var err error
			nodes, err = openCluster(c.Ctx, c.broker.options, func(id int) []string {
				return []string{"--config", files.server(c, id, auth)}
			})
			c.NoError(err)
		})
		if nodes == nil {
			return
		}
		over := s.on(nodes)
		over.speaksTLS(files, "alice", auth)
		if auth == "requested" {
			over.speaksTLS(files, "anybody", auth)
		} else {
			over.refuses(files, "anybody", auth)
			// Where it need not, Java shows no certificate of an authority that the
			// broker has not named.
			over.refuses(files, "stranger", auth)
		}
		over.stopsCleanly(nodes)
		if err := nodes.Close(s.broker.options.keep); err != nil {
			fmt.Fprintln(os.Stderr, "interop:", err)
		}
	}
}

// make makes all files that do not depend on a run.
func (f clientTLS) make(c *check) {
	for ca, names := range map[string][]string{"ours": {nodeName(1), nodeName(2), nodeName(3), "alice"}, "another": {"stranger"}} {
		makeCA(c, f.dir, ca)
		for _, name := range names {
			makeCertificate(c, f.dir, ca, name)
			key, certificate := certificateFiles(f.dir, ca, name)
			if name == nodeName(2) { // no client's: Java 17 opens none that openssl makes without being told how
				openssl(c, "pkcs8", "-topk8", "-in", key, "-out", key+".encrypted", "-passout", "pass:"+keyPassword)
				key += ".encrypted"
			}
			var both []byte
			for _, file := range []string{key, certificate} {
				text, err := os.ReadFile(file)
				c.NoError(err)
				both = append(both, text...)
			}
			f.write(c, name+".pem", string(both))
		}
	}
	trust := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + f.path("ours.crt") + "\n"
	keystore := "ssl.keystore.type=PEM\nssl.keystore.location="
	f.write(c, "anybody.properties", trust)
	f.write(c, "alice.properties", trust+keystore+f.path("alice.pem")+"\n")
	f.write(c, "stranger.properties", trust+keystore+f.path("stranger.pem")+"\n")
}

// server writes the settings of a node. Its port is a flag's, which is nearer.
func (f clientTLS) server(c *check, id int, auth string) string {
	password := ""
	if id == 2 {
		password = "ssl.key.password=" + keyPassword + "\n"
	}
	return f.write(c, nodeName(id)+".properties", password+"listeners=SSL://:9093\nssl.keystore.type=PEM\nssl.keystore.location="+f.path(nodeName(id)+".pem")+
		"\nssl.truststore.type=PEM\nssl.truststore.location="+f.path("ours.crt")+"\nssl.client.auth="+auth+"\n")
}

func (f clientTLS) path(name string) string { return filepath.Join(f.dir, name) }

func (f clientTLS) write(c *check, name, text string) string {
	c.NoError(os.WriteFile(f.path(name), []byte(text), 0o600))
	return f.path(name)
}

// command is how a client's settings are given to Kafka's tools, and kcat how to kcat.
func (f clientTLS) command(who string) []string {
	return []string{"--command-config", f.path(who + ".properties")}
}

func (f clientTLS) kcat(who string) []string {
	args := []string{"-X", "security.protocol=SSL", "-X", "ssl.ca.location=" + f.path("ours.crt")}
	if who != "anybody" {
		args = append(args, "-X", "ssl.certificate.location="+f.path(who+".pem"), "-X", "ssl.key.location="+f.path(who+".pem"))
	}
	return args
}

// speaksTLS demands that a client is served, by each of the tools.
func (s *suiteRun) speaksTLS(f clientTLS, who, auth string) {
	topic := s.topic(auth + "-" + who)
	s.check("certificates "+auth+": Kafka's tools as "+who, func(c *check) {
		c.createTopic(topic, append([]string{"--partitions", "3", "--replication-factor", "3"}, f.command(who)...)...)
		c.produce(topic, text(numbers(1, 100)), f.command(who)...)
		c.SameLines(c.consume(topic, "100", f.command(who)...), numbers(1, 100)...)
		c.Matches(c.kafka("consumer-groups", append([]string{"--list"}, f.command(who)...)...), `console-consumer-`)
	})
	s.check("certificates "+auth+": kcat as "+who, func(c *check) {
		c.kcat(text(numbers(101, 200)), append(f.kcat(who), "-P", "-t", topic, "-X", "topic.request.required.acks=-1")...)
		out := c.kcat("", append(f.kcat(who), "-C", "-t", topic, "-o", "beginning", "-e", "-q")...)
		c.SameLines(out, numbers(1, 200)...)
		for _, addr := range strings.Split(c.broker.addr, ",") {
			c.Matches(c.kcat("", append(f.kcat(who), "-L")...), `^ +broker \d+ at `+strings.ReplaceAll(addr, ".", `\.`)+`\b`)
		}
	})
}

// refuses demands that a client is not served, and told so by TLS.
func (s *suiteRun) refuses(f clientTLS, who, auth string) {
	s.check("certificates "+auth+": "+who+" is refused", func(c *check) {
		c.Matches(c.kafkaFails("topics", append([]string{"--list"}, f.command(who)...)...), `SslAuthenticationException|SSLHandshakeException`)
		c.Matches(c.Fails(line{Name: "kcat as " + who, Args: append([]string{c.tools.kcat, "-b", c.broker.addr, "-L", "-m", "5"}, f.kcat(who)...)}), `(?i)ssl|certificate`)
	})
}
