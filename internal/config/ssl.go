package config

import (
	"crypto/tls"
	"fmt"
	"strings"

	"github.com/chronik/chronik/internal/certificate"
	"github.com/chronik/chronik/internal/server"
	"github.com/chronik/chronik/internal/settings"
)

// secured are settings of TLS as one listener has them: its own, or else all
// listeners'.
type secured struct {
	given    given
	listener string
	used     map[string]bool // the names that were looked at, of all listeners
}

// get finds a setting, and the name that it was given by.
func (s secured) get(setting string) (v value, name string, ok bool) {
	for _, name := range [...]string{settings.ListenerName(s.listener, setting), setting} {
		if v, ok := s.given.get(name); ok {
			s.used[name] = true
			return v, name, true
		}
	}
	return value{}, setting, false
}

// text is the value that counts: what was given, or the default.
func (s secured) text(setting string) string {
	_, name, _ := s.get(setting)
	return s.given.text(name)
}

const unusedSSLReason = "no listener uses it: none that it is for speaks SSL, asks for what it says, or has no value of its own"

// decideSSL gives the listeners of protocol SSL their TLS. The files that are named
// are for the broker to read.
func decideSSL(g given, listeners []Listener) ([]Ignored, error) {
	used := make(map[string]bool)
	for i, l := range listeners {
		if l.Protocol != server.SSL {
			continue
		}
		options, err := secured{given: g, listener: l.Name, used: used}.options()
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Name, err)
		}
		listeners[i].TLS = options
	}
	var unused []string
	for _, name := range g.names() {
		if d, ok := lookup(name); ok && d.PerListener && !used[name] && g.hasAny(name) {
			unused = append(unused, name)
		}
	}
	if unused == nil {
		return nil, nil
	}
	return []Ignored{{Reason: unusedSSLReason, Names: unused}}, nil
}

func (s secured) options() (*certificate.Options, error) {
	if err := s.refuseUnserved(); err != nil {
		return nil, err
	}
	o := &certificate.Options{Listener: s.listener}
	var err error
	if o.Identity, err = s.identity(); err != nil {
		return nil, err
	}
	if o.MinVersion, o.MaxVersion, err = s.versions(); err != nil {
		return nil, err
	}
	switch s.text("ssl.client.auth") {
	case "required":
		o.ClientAuth = tls.RequireAndVerifyClientCert
	case "requested":
		o.ClientAuth = tls.VerifyClientCertIfGiven
	default:
		return o, nil
	}
	o.Trust, err = s.trust()
	return o, err
}

// unservedSSL are settings that would do something in Kafka, and what to do instead.
// Whoever relies on one of them must hear of it before clients do.
var unservedSSL = [...]struct{ name, instead string }{
	{"ssl.cipher.suites", "is not served: Go's own choice of suites counts; leave it out, or narrow ssl.enabled.protocols"},
	{"ssl.engine.factory.class", "is not served: chronik runs no Java classes; leave it out"},
	{"ssl.keystore.password", "is not for PEM, in Kafka neither; leave it out"},
	{"ssl.truststore.password", "is not for PEM, in Kafka neither; leave it out"},
}

func (s secured) refuseUnserved() error {
	for _, u := range unservedSSL {
		if v, name, ok := s.get(u.name); ok {
			return fmt.Errorf("%s: %s %s", v.Origin, name, u.instead)
		}
	}
	const rules = "ssl.principal.mapping.rules"
	if v, name, ok := s.get(rules); ok && strings.TrimSpace(v.Text) != "DEFAULT" {
		return fmt.Errorf("%s: %s is not served: the user is the whole subject of the certificate; leave it out", v.Origin, name)
	}
	return nil
}

// identity is the keystore.
func (s secured) identity() (certificate.Identity, error) {
	identity, err := s.keyAndChain()
	if v, name, ok := s.get("ssl.key.password"); ok {
		identity.Password = certificate.Source{Setting: name, Text: v.Text}
	}
	return identity, err
}

func (s secured) keyAndChain() (certificate.Identity, error) {
	file, fileName, hasFile := s.get("ssl.keystore.location")
	chain, chainName, hasChain := s.get("ssl.keystore.certificate.chain")
	key, keyName, hasKey := s.get("ssl.keystore.key")
	switch {
	case hasFile && (hasChain || hasKey):
		return certificate.Identity{}, fmt.Errorf("%s: %s and the texts %s and %s both say what the certificate is; leave one of them out",
			file.Origin, fileName, chainName, keyName)
	case hasFile:
		source := certificate.Source{Setting: fileName, File: strings.TrimSpace(file.Text)}
		return certificate.Identity{Chain: source, Key: source}, s.checkType("ssl.keystore.type")
	case hasChain && hasKey:
		return certificate.Identity{
			Chain: certificate.Source{Setting: chainName, Text: strings.TrimSpace(chain.Text)},
			Key:   certificate.Source{Setting: keyName, Text: strings.TrimSpace(key.Text)},
		}, s.checkType("ssl.keystore.type")
	case hasChain:
		return certificate.Identity{}, fmt.Errorf("%s: %s is given without its private key; set ssl.keystore.key", chain.Origin, chainName)
	case hasKey:
		return certificate.Identity{}, fmt.Errorf("%s: %s is given without its certificate; set ssl.keystore.certificate.chain", key.Origin, keyName)
	}
	return certificate.Identity{}, fmt.Errorf("it speaks SSL and has no certificate; set ssl.keystore.location to a PEM file with the certificate chain and its private key")
}

// trust is the truststore, for who asks clients for certificates. Kafka falls back
// on Java's, by which everybody is known who has a certificate for a web server.
func (s secured) trust() (certificate.Source, error) {
	file, fileName, hasFile := s.get("ssl.truststore.location")
	text, textName, hasText := s.get("ssl.truststore.certificates")
	switch {
	case hasFile && hasText:
		return certificate.Source{}, fmt.Errorf("%s: %s and %s both say whose certificates count; leave one of them out", file.Origin, fileName, textName)
	case hasFile:
		return certificate.Source{Setting: fileName, File: strings.TrimSpace(file.Text)}, s.checkType("ssl.truststore.type")
	case hasText:
		return certificate.Source{Setting: textName, Text: strings.TrimSpace(text.Text)}, s.checkType("ssl.truststore.type")
	}
	return certificate.Source{}, fmt.Errorf("ssl.client.auth is %s, and nothing says whose certificates count; set ssl.truststore.location to a PEM file with the authorities that sign those of clients",
		s.text("ssl.client.auth"))
}

func (s secured) checkType(setting string) error {
	v, name, ok := s.get(setting)
	if !ok || strings.EqualFold(strings.TrimSpace(v.Text), "PEM") {
		return nil
	}
	return fmt.Errorf("%s: %s is %s, and only PEM is served; convert a JKS store with `keytool -importkeystore -deststoretype PKCS12`, and PKCS#12 with `openssl pkcs12 -nodes`",
		v.Origin, name, strings.TrimSpace(v.Text))
}

// versions are the first and the last that are spoken. An older one that a file of
// Kafka's names stops who speaks SSL, and nobody else.
func (s secured) versions() (low, high uint16, err error) {
	const setting = "ssl.enabled.protocols"
	for _, word := range settings.SplitList(s.text(setting)) {
		version, ok := map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}[word]
		if !ok {
			v, name, _ := s.get(setting)
			return 0, 0, fmt.Errorf("%s: %s names %q, and only TLSv1.2 and TLSv1.3 are served; leave it out", v.Origin, name, word)
		}
		if low == 0 || version < low {
			low = version
		}
		high = max(high, version)
	}
	return low, high, nil
}
