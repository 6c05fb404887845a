package server

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/certificate/certtest"
)

// secured is a fixture with the two ends' TLS.
type secured struct {
	*fixture
	authority *certtest.Authority
	client    *tls.Config
}

func keyPair(t testing.TB, p certtest.Pair) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair([]byte(p.Certificate), []byte(p.Key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// secure makes an SSL listener of a test's.
func secure(t testing.TB, auth tls.ClientAuthType) (*secured, func(*Options)) {
	t.Helper()
	s := &secured{authority: certtest.NewAuthority(t, "ca")}
	s.client = &tls.Config{RootCAs: s.authority.Pool(), ServerName: "localhost"}
	server := &tls.Config{
		Certificates: []tls.Certificate{keyPair(t, s.authority.Issue(t, pkix.Name{CommonName: "server"}))},
		ClientAuth:   auth, ClientCAs: s.authority.Pool(), SessionTicketsDisabled: true,
	}
	return s, func(o *Options) { o.Listeners[0].Protocol, o.Listeners[0].TLS = SSL, server }
}

// startTLS runs a server of one SSL listener on 127.0.0.1.
func startTLS(t testing.TB, h Handler, auth tls.ClientAuthType) *secured {
	t.Helper()
	s, change := secure(t, auth)
	s.fixture = start(t, h, change)
	return s
}

// connect shakes hands, with a certificate or without.
func (s *secured) connect(t testing.TB, certificates ...tls.Certificate) *tls.Conn {
	t.Helper()
	config := s.client.Clone()
	config.Certificates = certificates
	return tls.Client(s.dial(t), config)
}

func TestRequestsOverTLSAreAnswered(t *testing.T) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
			s.client.MaxVersion = version
			c := s.connect(t)
			body := strings.Repeat("x", 300<<10) // several records
			for i := range int32(3) {
				mustWrite(t, c, frame(testVersion, i, []byte(body)))
				if got := mustRead(t, c, i); string(got) != body {
					t.Errorf("response %d is another: %d bytes", i, len(got))
				}
			}
			if got := c.ConnectionState().Version; got != version {
				t.Errorf("spoke version %x", got)
			}
		})
	}
}

// A client is whom its certificate names, where it has shown one that counts.
func TestCertificatesSayWhoAsks(t *testing.T) {
	asked := make(chan *ConnInfo, 1)
	s := startTLS(t, handlerFunc(func(ctx context.Context, r *Request) (Reply, error) {
		asked <- r.Conn
		return echo(ctx, r)
	}), tls.VerifyClientCertIfGiven)
	alice := keyPair(t, s.authority.Issue(t, pkix.Name{CommonName: "alice", Organization: []string{"Example"}}))
	for want, certificates := range map[string][]tls.Certificate{"User:CN=alice,O=Example": {alice}, "User:ANONYMOUS": nil} {
		c := s.connect(t, certificates...)
		mustWrite(t, c, frame(testVersion, 1, nil))
		mustRead(t, c, 1)
		if got := (<-asked).Principal.String(); got != want {
			t.Errorf("it is %s, want %s", got, want)
		}
	}
}

// Who has proved who it is may begin with a request of any size.
func TestProofLiftsTheFirstFrameLimit(t *testing.T) {
	s := startTLS(t, handlerFunc(echo), tls.RequireAndVerifyClientCert)
	c := s.connect(t, keyPair(t, s.authority.Issue(t, pkix.Name{CommonName: "alice"})))
	mustWrite(t, c, frame(unservedVersion, 1, make([]byte, 600<<10)))
	mustRead(t, c, 1)

	anonymous := startTLS(t, handlerFunc(echo), tls.NoClientCert)
	c = anonymous.connect(t)
	_, _ = c.Write(frame(unservedVersion, 1, make([]byte, 600<<10))) // it is hung up on meanwhile
	mustClose(t, c)
	anonymous.wantClosed(t, ClosedTooLarge, 1)
}

func TestHandshakesThatProveNothingAreRefused(t *testing.T) {
	stranger := keyPair(t, certtest.NewAuthority(t, "ca").Issue(t, pkix.Name{CommonName: "alice"}))
	for name, certificates := range map[string][]tls.Certificate{"no certificate": nil, "another authority's": {stranger}} {
		t.Run(name, func(t *testing.T) {
			s := startTLS(t, handlerFunc(echo), tls.RequireAndVerifyClientCert)
			s.client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &append(certificates, tls.Certificate{})[0], nil // also one that the server does not ask for
			}
			c := s.connect(t)
			_ = c.Handshake()
			if b := mustClose(t, c); len(b) > 0 {
				t.Errorf("was sent %q", b)
			}
			s.wantClosed(t, ClosedHandshake, 1)
			s.wantLog(t, "level=INFO", "TLS handshake failed", "certificate")
		})
	}
}

func TestClientThatDoesNotKnowTheAuthorityHangsUp(t *testing.T) {
	s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
	s.client.RootCAs = certtest.NewAuthority(t, "another").Pool()
	c := s.connect(t)
	if err := c.Handshake(); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("handshake: %v", err)
	}
	waitFor(t, func() bool { return s.Stats().Closed[ClosedHandshake] == 1 })
	s.wantClosed(t, ClosedHandshake, 1)
	s.wantLog(t, "level=INFO", "bad certificate")
}

func TestStrangersAtAnSSLListenerAreRecognised(t *testing.T) {
	kafka := string(frame(testVersion, 1, nil))
	for name, c := range map[string]struct {
		sent string
		want CloseReason
		log  string
	}{
		"a client without TLS":  {kafka, ClosedPlaintext, "security.protocol=SSL"},
		"HTTP":                  {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ClosedHTTP, "not HTTP"},
		"noise within TLS":      {"\x16\x03\x01\x00\x05noise", ClosedHandshake, "TLS handshake failed"},
		"a record beyond limit": {"\x16\x03\x01\xff\xffnoise", ClosedHandshake, "oversized record"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
			conn := s.dial(t)
			mustWrite(t, conn, []byte(c.sent))
			mustClose(t, conn)
			s.wantClosed(t, c.want, 1)
			s.wantLog(t, "level=INFO", "closed a connection", c.log)
		})
	}
}

// A load balancer that looks whether the port is open is no news.
func TestHangingUpInTheHandshakeIsNotLogged(t *testing.T) {
	s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
	for _, sent := range []string{"", "\x16", "\x16\x03\x01\x00\x05no"} {
		conn := s.dial(t)
		mustWrite(t, conn, []byte(sent))
		_ = conn.Close()
	}
	waitFor(t, func() bool { return s.Stats().Closed[ClosedByPeer] == 3 })
	if strings.Contains(s.log.String(), "level=INFO") {
		t.Errorf("was logged:\n%s", s.log)
	}
}

func TestStalledHandshakeIsClosed(t *testing.T) {
	for name, sent := range map[string]string{"nothing": "", "a part": "\x16\x03\x01\x02\x00\x01"} {
		t.Run(name, func(t *testing.T) {
			_, change := secure(t, tls.NoClientCert)
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t, handlerFunc(echo), change)
				c := f.dial(t)
				mustWrite(t, c, []byte(sent))
				took(t, 15*time.Second, 15*time.Second, func() { mustClose(t, c) })
				f.wantClosed(t, ClosedHandshake, 1)
				f.wantLog(t, "level=INFO", "no TLS handshake within 15s")
			})
		})
	}
}

// A byte now and then does not prolong a handshake.
func TestTricklingHandshakeIsClosed(t *testing.T) {
	_, change := secure(t, tls.NoClientCert)
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, handlerFunc(echo), change)
		c := f.dial(t)
		took(t, 15*time.Second, 16*time.Second, func() {
			for _, b := range []byte("\x16\x03\x01\x40\x00\x01" + strings.Repeat("x", 1000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		f.wantClosed(t, ClosedHandshake, 1)
	})
}

func TestStopEndsHandshakes(t *testing.T) {
	s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
	conn := s.dial(t)
	waitFor(t, func() bool { return s.Stats().Connections == 1 })
	s.stop()
	mustClose(t, conn)
	s.wantClosed(t, ClosedDrained, 1)
}

// Connections that end in order say so by TLS: a client does not take what it has read
// for cut off. Go's reports io.EOF then, and io.ErrUnexpectedEOF otherwise.
func TestConnectionsEndInOrder(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		s, change := secure(t, tls.NoClientCert)
		synctest.Test(t, func(t *testing.T) {
			s.fixture = startPipe(t, handlerFunc(echo), change)
			c := s.connect(t)
			mustWrite(t, c, frame(testVersion, 1, nil))
			mustRead(t, c, 1)
			took(t, 10*time.Minute, 10*time.Minute, func() {
				if _, err := c.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("read: %v, want EOF", err)
				}
			})
			s.wantClosed(t, ClosedIdle, 1)
		})
	})
	t.Run("stopped with a request in flight", func(t *testing.T) {
		started, release := make(chan struct{}), make(chan struct{})
		s := startTLS(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
			close(started)
			return func(_ context.Context, dst []byte) ([]byte, error) {
				<-release
				return respond(dst, r, nil), nil
			}, nil
		}), tls.NoClientCert)
		c := s.connect(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		<-started
		s.stop()
		waitFor(t, s.draining.Load)
		mustWrite(t, c, frame(testVersion, 2, nil)) // not read any more
		close(release)
		mustRead(t, c, 1)
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("read: %v, want EOF", err)
		}
		s.wantClosed(t, ClosedDrained, 1)
	})
}

// A client that has closed its sending side by TLS gets the answers to what it has sent.
func TestHalfClosedTLSIsAnswered(t *testing.T) {
	release := make(chan struct{})
	s := startTLS(t, handlerFunc(func(_ context.Context, r *Request) (Reply, error) {
		return func(_ context.Context, dst []byte) ([]byte, error) {
			<-release
			return respond(dst, r, []byte("late")), nil
		}, nil
	}), tls.NoClientCert)
	c := s.connect(t)
	mustWrite(t, c, frame(testVersion, 1, nil))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(release)
	if got := mustRead(t, c, 1); string(got) != "late" {
		t.Errorf("got %q", got)
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read: %v, want EOF", err)
	}
	s.wantClosed(t, ClosedByPeer, 1)
}

// A client that reads nothing holds a connection's end up for goodbyeMax alone.
func TestGoodbyeWaitsForNobody(t *testing.T) {
	s, change := secure(t, tls.NoClientCert)
	synctest.Test(t, func(t *testing.T) {
		s.fixture = startPipe(t, handlerFunc(echo), change)
		c := s.connect(t)
		mustWrite(t, c, frame(testVersion, 1, nil))
		mustRead(t, c, 1)
		took(t, 0, goodbyeMax, func() {
			s.stop()
			<-s.done
		})
		s.wantClosed(t, ClosedDrained, 1)
	})
}

func TestManyHandshakesAtOnce(t *testing.T) {
	s := startTLS(t, handlerFunc(echo), tls.NoClientCert)
	done := make(chan error)
	const n = 50
	for range n {
		conn := s.dial(t)
		go func(nc net.Conn) {
			c := tls.Client(nc, s.client)
			_, err := c.Write(frame(testVersion, 1, nil))
			if err == nil {
				_, err = readResponse(c)
			}
			done <- errors.Join(err, c.Close())
		}(conn)
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func FuzzHandshake(f *testing.F) {
	f.Add([]byte("\x16\x03\x01\x00\x05noise"))
	f.Add([]byte("\x80\x2e\x01\x03\x01"))
	f.Add(frame(testVersion, 1, nil))
	s := startTLS(f, handlerFunc(echo), tls.VerifyClientCertIfGiven)
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := s.dial(t)
		_, _ = c.Write(sent)
		if err := c.(*net.TCPConn).CloseWrite(); err == nil {
			_, _ = io.Copy(io.Discard, c)
		}
	})
}
