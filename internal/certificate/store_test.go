package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509/pkix"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik/chronik/internal/certificate/certtest"
)

// served is the name in the certificate that a handshake of now would show.
func served(t *testing.T, c *tls.Config) string {
	t.Helper()
	now, err := c.GetConfigForClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	return now.Certificates[0].Leaf.Subject.CommonName
}

// Goal: a changed file is taken by the next handshake, if the last look is old enough;
// one that cannot be used changes nothing, and is mentioned once. Method: the bubble's
// clock, and files of the real disk.
func TestStoreRenewsWhatHasChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, authority := t.TempDir(), certtest.NewAuthority(t, "ca")
		issue := func(name string) string {
			pair := authority.Issue(t, pkix.Name{CommonName: name})
			return pair.Certificate + pair.Key
		}
		source := Source{Setting: "ssl.keystore.location", File: certtest.Write(t, dir, "k.pem", issue("first"))}
		var log bytes.Buffer
		s, err := Open(Options{Listener: "L", Identity: Identity{Chain: source, Key: source}, MinVersion: tls.VersionTLS12}, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		c := s.Config()
		want := func(name string, warnings int) {
			t.Helper()
			if got := served(t, c); got != name {
				t.Errorf("serves %s, want %s", got, name)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != warnings {
				t.Errorf("%d warnings, want %d:\n%s", got, warnings, &log)
			}
		}
		replace := func(content string) { // as whoever renews certificates should
			t.Helper()
			if err := os.Rename(certtest.Write(t, dir, "new", content), source.File); err != nil {
				t.Fatal(err)
			}
		}
		replace(issue("second"))
		want("first", 0) // has just looked
		time.Sleep(lookEvery)
		want("second", 0)

		replace("half of a certif")
		time.Sleep(lookEvery)
		want("second", 1)
		time.Sleep(lookEvery)
		want("second", 1)

		if err := os.Remove(source.File); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery)
		want("second", 2)
		if !strings.Contains(log.String(), "ssl.keystore.location") || !strings.Contains(log.String(), "listener=L") {
			t.Errorf("the warning does not say what it is about:\n%s", &log)
		}

		certtest.Write(t, dir, "k.pem", issue("third"))
		time.Sleep(lookEvery)
		want("third", 2)
	})
}

func TestStoreRenewsWhomItBelieves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, one, two := t.TempDir(), certtest.NewAuthority(t, "one"), certtest.NewAuthority(t, "two")
		pair := one.Issue(t, pkix.Name{CommonName: "node"})
		trust := Source{Setting: "ssl.truststore.location", File: certtest.Write(t, dir, "t.pem", one.PEM)}
		s, err := Open(Options{
			Identity:   Identity{Chain: text("c", pair.Certificate), Key: text("k", pair.Key)},
			ClientAuth: tls.RequireAndVerifyClientCert, Trust: trust, MinVersion: tls.VersionTLS12,
		}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		believes := func(a *certtest.Authority) bool {
			c, err := s.Config().GetConfigForClient(nil)
			return err == nil && c.ClientCAs.Equal(a.Pool())
		}
		if !believes(one) {
			t.Error("does not believe the first authority")
		}
		certtest.Write(t, dir, "t.pem", two.PEM, "\n")
		time.Sleep(lookEvery)
		if !believes(two) {
			t.Error("does not believe the second authority")
		}
	})
}

func TestOpenNamesTheListener(t *testing.T) {
	_, err := Open(Options{Listener: "L", Identity: Identity{Chain: text("c", "x"), Key: text("k", "y")}}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.HasPrefix(err.Error(), "listener L: c holds no PEM") {
		t.Error(err)
	}
}
