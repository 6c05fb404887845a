// Package access says how clients reach a cluster, by a file such as Kafka's tools take
// with --command-config. It starts no goroutine and holds no lock.
package access

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/magiconair/properties"

	"github.com/chronik/chronik/internal/certificate"
)

// The settings that are served. A file with another one is refused: who has set it
// expects something of it.
const (
	protocol       = "security.protocol"
	names          = "ssl.endpoint.identification.algorithm"
	keyPassword    = "ssl.key.password"
	keystoreFile   = "ssl.keystore.location"
	keystoreChain  = "ssl.keystore.certificate.chain"
	keystoreKey    = "ssl.keystore.key"
	keystoreType   = "ssl.keystore.type"
	truststoreFile = "ssl.truststore.location"
	truststoreText = "ssl.truststore.certificates"
	truststoreType = "ssl.truststore.type"
)

func served() []string {
	return []string{protocol, names, keyPassword, keystoreFile, keystoreChain, keystoreKey, keystoreType, truststoreFile, truststoreText, truststoreType}
}

// settings are what a file says.
type settings struct{ all *properties.Properties }

// get is a value, or nothing where there is none.
func (s settings) get(name string) string { return strings.TrimSpace(s.all.GetString(name, "")) }

// Load reads a file, and the PEM files that it names; nil is a cluster that is spoken
// to in the clear.
func Load(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	all, err := loader.LoadBytes(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not in the format name=value: %w", path, err)
	}
	config, err := settings{all}.config()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

func (s settings) config() (*tls.Config, error) {
	for _, name := range s.all.Keys() {
		if !slices.Contains(served(), name) {
			return nil, fmt.Errorf("%s is not served; of Kafka's settings there are %s", name, strings.Join(served(), ", "))
		}
	}
	switch p := strings.ToUpper(cmp.Or(s.get(protocol), "PLAINTEXT")); p {
	case "SSL":
		return s.secured()
	case "PLAINTEXT":
		for _, name := range s.all.Keys() {
			if name != protocol {
				return nil, fmt.Errorf("%s does nothing without %s=SSL; set that, or leave it out", name, protocol)
			}
		}
		return nil, nil
	default:
		return nil, fmt.Errorf("%s is %s, and only PLAINTEXT and SSL are served", protocol, p)
	}
}

// secured is the TLS of a client. Without a truststore those count that the operating
// system believes, as in Java those that Java does.
func (s settings) secured() (*tls.Config, error) {
	for _, name := range []string{keystoreType, truststoreType} {
		if t := s.get(name); t != "" && !strings.EqualFold(t, "PEM") {
			return nil, fmt.Errorf("%s is %s, and only PEM is served; convert it with keytool and openssl", name, t)
		}
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	identity, err := s.identity()
	if err != nil {
		return nil, err
	}
	identity.Password = certificate.Source{Setting: keyPassword, Text: s.all.GetString(keyPassword, "")}
	if identity.Chain.Given() {
		pair, err := identity.Load()
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if s.get(truststoreFile) != "" && s.get(truststoreText) != "" {
		return nil, fmt.Errorf("%s and %s both say whose certificates count; leave one of them out", truststoreFile, truststoreText)
	}
	trust := certificate.Source{Setting: truststoreText, Text: s.get(truststoreText)}
	if file := s.get(truststoreFile); file != "" {
		trust = certificate.Source{Setting: truststoreFile, File: file}
	}
	if trust.Given() {
		if c.RootCAs, err = trust.Authorities(); err != nil {
			return nil, err
		}
	}
	return c, s.decideNames(c)
}

// identity is the client's certificate, if it has one.
func (s settings) identity() (certificate.Identity, error) {
	file, chain, key := s.get(keystoreFile), s.get(keystoreChain), s.get(keystoreKey)
	switch {
	case file != "" && (chain != "" || key != ""):
		return certificate.Identity{}, fmt.Errorf("%s and the texts %s and %s both say what the certificate is; leave one of them out", keystoreFile, keystoreChain, keystoreKey)
	case (chain == "") != (key == ""):
		return certificate.Identity{}, fmt.Errorf("%s and %s are given together, or none of them", keystoreChain, keystoreKey)
	case file != "":
		source := certificate.Source{Setting: keystoreFile, File: file}
		return certificate.Identity{Chain: source, Key: source}, nil
	}
	return certificate.Identity{
		Chain: certificate.Source{Setting: keystoreChain, Text: chain},
		Key:   certificate.Source{Setting: keystoreKey, Text: key},
	}, nil
}

// decideNames has the names in a broker's certificate checked, or not: an empty
// algorithm is how Kafka's clients are told to check the authority alone.
func (s settings) decideNames(c *tls.Config) error {
	algorithm, given := s.all.Get(names)
	switch algorithm = strings.TrimSpace(algorithm); {
	case !given || strings.EqualFold(algorithm, "https"):
	case algorithm == "":
		c.InsecureSkipVerify = true // of Go's own check, which includes the name
		c.VerifyConnection = func(state tls.ConnectionState) error { return verifyAuthority(c.RootCAs, state) }
	default:
		return fmt.Errorf("%s is %s; write https, or nothing to check no names", names, algorithm)
	}
	return nil
}

// verifyAuthority checks everything but the name.
func verifyAuthority(roots *x509.CertPool, state tls.ConnectionState) error {
	between := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}
