package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for a node on loopback.
func (a *authority) issue() tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// node is the TLS of a node with a certificate of this authority, which trusts another.
func (a *authority) node(trusted *authority) *TLS {
	pool := x509.NewCertPool()
	pool.AddCert(trusted.cert)
	certs := []tls.Certificate{a.issue()}
	return &TLS{Server: &tls.Config{Certificates: certs, ClientCAs: pool}, Client: &tls.Config{Certificates: certs, RootCAs: pool}}
}

func TestMutualTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	where := new(addresses)
	anonymous := ours.node(ours)
	anonymous.Client.Certificates = nil
	a := startHost(t, hostOptions{node: 1, where: where, tls: ours.node(ours)})
	b := startHost(t, hostOptions{node: 2, where: where, tls: ours.node(ours)})
	b.got.onStream(echoStream)
	for _, size := range []int{0, 5, 3 << 20} {
		body := pattern(size)
		a.Send(2, 1, body)
		if m := <-b.got.messages; m.from != 1 || m.body != string(body) {
			t.Fatalf("%d bytes became %d", size, len(m.body))
		}
	}
	if _, err := a.Request(t.Context(), 2, 1, nil); err != nil {
		t.Error(err)
	}
	s, err := a.OpenStream(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write([]byte("over"), []byte(" TLS")); err != nil {
		t.Fatal(err)
	}
	if frame, err := s.Read(nil); err != nil || string(frame) != "over TLS" {
		t.Fatal(string(frame), err)
	}

	for name, stranger := range map[string]*TLS{
		"signed by another authority": theirs.node(ours), "trusts another": ours.node(theirs), "without a certificate": anonymous, "plain": nil,
	} {
		c := startHost(t, hostOptions{node: 3, where: where, tls: stranger})
		if _, err := c.Request(t.Context(), 2, 1, nil); !errors.Is(err, ErrNotSent) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := c.OpenStream(t.Context(), 2); err == nil || isTLS(err) != (name != "plain") {
			t.Errorf("%s: a stream: %v", name, err)
		}
		c.stop()
	}
	where.set(9, "no port")
	if _, err := a.Request(t.Context(), 9, 1, nil); err == nil || !strings.Contains(err.Error(), "port") {
		t.Error(err)
	}
	if len(b.got.lost) > 0 {
		t.Errorf("a link of node %d was accepted", <-b.got.lost)
	}
}
