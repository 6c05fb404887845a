package certificate

import (
	"crypto/x509/pkix"
	"strings"
	"testing"

	"github.com/chronik/chronik/internal/certificate/certtest"
)

func text(setting, text string) Source { return Source{Setting: setting, Text: text} }

// An identity is read from one file, from two texts, and from texts that were folded
// into a line each, as properties files do.
func TestIdentityIsReadFromAFileAndFromTexts(t *testing.T) {
	pair := certtest.NewAuthority(t, "ca").Issue(t, pkix.Name{CommonName: "node"})
	folded := func(pem string) string { return strings.Join(strings.Fields(strings.ReplaceAll(pem, "\n", " ")), " ") }
	file := Source{Setting: "ssl.keystore.location", File: certtest.Write(t, t.TempDir(), "node.pem", "Bag Attributes\n", pair.Key, pair.Certificate)}
	for name, identity := range map[string]Identity{
		"a file": {Chain: file, Key: file},
		"texts":  {Chain: text("c", pair.Certificate), Key: text("k", pair.Key)},
		"folded": {Chain: text("c", folded(pair.Certificate)), Key: text("k", folded(pair.Key))},
	} {
		certificate, err := identity.Load()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := certificate.Leaf.Subject.CommonName; got != "node" {
			t.Errorf("%s is of %s", name, got)
		}
	}
}

func TestWhatIsWrongWithAnIdentityIsSaidInASentence(t *testing.T) {
	dir := t.TempDir()
	authority := certtest.NewAuthority(t, "ca")
	pair, other := authority.Issue(t, pkix.Name{CommonName: "a"}), authority.Issue(t, pkix.Name{CommonName: "b"})
	const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
	const old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
	for name, c := range map[string]struct{ content, want string }{
		"a keystore of Java's": {"\xfe\xed\xfe\xed\x00\x00\x00\x02", "holds no PEM; convert a JKS store with `keytool"},
		"nothing":              {"", "holds no PEM"},
		"no key":               {pair.Certificate, "has no private key"},
		"no certificate":       {pair.Key, "has no certificate"},
		"an encrypted key":     {pair.Certificate + encrypted, "the private key is encrypted; set ssl.key.password, or decrypt it"},
		"an old encrypted key": {pair.Certificate + old, "is encrypted in OpenSSL's old way, which is not served; encrypt it again"},
		"another's key":        {pair.Certificate + other.Key, "private key does not match public key; the certificate of the private key comes first"},
		"a damaged one":        {damaged + pair.Key, "malformed certificate"},
		"too much":             {strings.Repeat("x", pemBytesMax+1), "is larger than"},
	} {
		s := Source{Setting: "ssl.keystore.location", File: certtest.Write(t, dir, "file.pem", c.content)}
		_, err := Identity{Chain: s, Key: s}.Load()
		if err == nil || !strings.HasPrefix(err.Error(), s.Setting+": "+s.File) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.want)
		}
	}
	s := Source{Setting: "ssl.keystore.location", File: dir + "/absent.pem"}
	if _, err := (Identity{Chain: s, Key: s}).Load(); err == nil || err.Error() !=
		"ssl.keystore.location: "+s.File+" cannot be read: no such file or directory; name a PEM file that this process may read" {
		t.Errorf("absent: %v", err)
	}
	_, err := Identity{Chain: text("the.chain", pair.Certificate), Key: text("the.key", "secret")}.Load()
	if err == nil || !strings.HasPrefix(err.Error(), "the.key holds no PEM") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a key that is none: %v", err)
	}
}

func TestAuthoritiesAreAllUnderstoodOrRefused(t *testing.T) {
	one, two := certtest.NewAuthority(t, "one"), certtest.NewAuthority(t, "two")
	if _, err := text("ssl.truststore.certificates", one.PEM+two.PEM).Authorities(); err != nil {
		t.Error(err)
	}
	for content, want := range map[string]string{
		"":  "holds no PEM",
		"x": "holds no PEM",
		one.PEM + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "one of the certificates is damaged",
		one.Issue(t, pkix.Name{CommonName: "x"}).Key:                               "has no certificate",
	} {
		if _, err := text("ssl.truststore.certificates", content).Authorities(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want an error that says %q", content, err, want)
		}
	}
}

func FuzzPEM(f *testing.F) {
	pair := certtest.NewAuthority(f, "ca").Issue(f, pkix.Name{CommonName: "a"})
	f.Add(pair.Certificate + pair.Key)
	f.Add("-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----")
	f.Fuzz(func(t *testing.T, pem string) {
		s := text("s", pem)
		if _, err := (Identity{Chain: s, Key: s}).Load(); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is no sentence", err)
		}
		if pool, err := s.Authorities(); err == nil && pool == nil {
			t.Error("neither authorities nor an error")
		}
	})
}
