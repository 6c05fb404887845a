package cluster

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// Secure has chronik's nodes or Kafka's listen for clients that speak TLS, beside those
// that do not, from their next start on. keystore is a PEM file with a certificate and
// its private key. It is called once at most.
func (c *Cluster) Secure(keystore string) error {
	for _, n := range c.Nodes {
		if err := n.secure(keystore); err != nil {
			return err
		}
	}
	return nil
}

// listeners are those of a node that is secured.
func (n *Node) listeners() string {
	return fmt.Sprintf("listeners=PLAINTEXT://%s,SSL://%s", n.Addr, n.SecureAddr)
}

// secureChronik names the listeners in place of the port, which would be of one alone.
func (n *Node) secureChronik(keystore string) error {
	port := slices.Index(n.args, "--kafka-port")
	n.args = slices.Replace(n.args, port, port+2, "-o", n.listeners(), "-o", "ssl.keystore.location="+keystore)
	return nil
}

// secureKafka adds to the properties; of what is there twice, the last counts. Kafka
// takes the controller's listener for a plain one only where there is no SSL.
func (n *Node) secureKafka(properties, controller, keystore string) (err error) {
	file, err := os.OpenFile(properties, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = fmt.Fprintf(file, "%s,%s\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,CONTROLLER:PLAINTEXT\nssl.keystore.type=PEM\nssl.keystore.location=%s\n",
		n.listeners(), controller, keystore)
	return err
}
