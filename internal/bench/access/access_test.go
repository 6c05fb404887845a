package access

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"net"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/certificate/certtest"
)

func load(t *testing.T, text string) (*tls.Config, error) {
	t.Helper()
	return Load(certtest.Write(t, t.TempDir(), "client.properties", text))
}

// server is a TLS server on loopback that asks for certificates; it tells the name in
// them.
func server(t *testing.T, authority *certtest.Authority) (addr string, asked chan string) {
	t.Helper()
	pair := authority.Issue(t, pkix.Name{CommonName: "server"})
	certificate, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.Key))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: authority.Pool(),
	})
	if err != nil {
		t.Fatal(err)
	}
	asked = make(chan string, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(asked)
				return
			}
			name := "failed"
			if secured := c.(*tls.Conn); secured.Handshake() == nil {
				name = "nobody"
				if all := secured.ConnectionState().PeerCertificates; len(all) > 0 {
					name = all[0].Subject.CommonName
				}
			}
			c.Close()
			asked <- name
		}
	}()
	t.Cleanup(func() {
		l.Close()
		for range asked { // until it has ended
		}
	})
	return l.Addr().String(), asked
}

func TestClientsConnectAsTheFileSays(t *testing.T) {
	authority, another, dir := certtest.NewAuthority(t, "ca"), certtest.NewAuthority(t, "ca"), t.TempDir()
	pair := authority.Issue(t, pkix.Name{CommonName: "alice"})
	ours := "security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=" + certtest.Write(t, dir, "ca.pem", authority.PEM) + "\n"
	theirs := "security.protocol=SSL\nssl.truststore.location=" + certtest.Write(t, dir, "another.pem", another.PEM) + "\n"
	inline := func(pem string) string { return strings.ReplaceAll(pem, "\n", `\n`) }
	addr, asked := server(t, authority)
	f := func(text, host, want string) {
		t.Helper()
		config, err := load(t, text)
		if err != nil {
			t.Error(err)
			return
		}
		config.ServerName = host
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = tls.Client(c, config).Handshake()
		if err != nil {
			c.Close()
		}
		if got := <-asked; got != want || (err != nil) != (want == "failed") {
			t.Errorf("%s for %s: %s, %v, want %s", text, host, got, err, want)
		}
	}
	f(ours, "localhost", "nobody")
	f(ours+"ssl.keystore.location="+certtest.Write(t, dir, "alice.pem", pair.Key, pair.Certificate)+"\n", "localhost", "alice")
	f("security.protocol=ssl\nssl.truststore.certificates="+inline(authority.PEM)+"\nssl.keystore.certificate.chain="+inline(pair.Certificate)+
		"\nssl.keystore.key="+inline(pair.Key)+"\n", "localhost", "alice")
	f(theirs, "localhost", "failed")
	f(ours, "elsewhere.example", "failed")
	f(ours+"ssl.endpoint.identification.algorithm=\n", "elsewhere.example", "nobody")
	f(theirs+"ssl.endpoint.identification.algorithm=\n", "localhost", "failed")
}

func TestFilesThatCannotBeFollowedAreRefused(t *testing.T) {
	const ssl = "security.protocol=SSL\n"
	for text, want := range map[string]string{
		"acks=all":                                                        "acks is not served; of Kafka's settings there are security.protocol, ",
		"security.protocol=SASL_SSL":                                      "security.protocol is SASL_SSL, and only PLAINTEXT and SSL are served",
		"ssl.truststore.location=/t":                                      "ssl.truststore.location does nothing without security.protocol=SSL",
		ssl + "ssl.truststore.type=JKS":                                   "ssl.truststore.type is JKS, and only PEM is served",
		ssl + "ssl.keystore.key=x":                                        "ssl.keystore.certificate.chain and ssl.keystore.key are given together",
		ssl + "ssl.truststore.location=/no":                               "ssl.truststore.location: /no cannot be read",
		ssl + "ssl.keystore.location=/no":                                 "ssl.keystore.location: /no cannot be read",
		ssl + "ssl.truststore.certificates=":                              "",
		ssl + "ssl.keystore.location=/k\nssl.keystore.key=x":              "both say what the certificate is",
		ssl + "ssl.truststore.location=/k\nssl.truststore.certificates=x": "both say whose certificates count",
		ssl + "ssl.endpoint.identification.algorithm=ldaps":               "write https, or nothing",
		"\\u00zz=1": "is not in the format name=value",
	} {
		_, err := load(t, text)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if c, err := load(t, "security.protocol=PLAINTEXT\n"); c != nil || err != nil {
		t.Errorf("in the clear: %v, %v", c, err)
	}
	if _, err := Load("/no/such.properties"); err == nil || err.Error() != "/no/such.properties cannot be read: no such file or directory" {
		t.Error(err)
	}
}
