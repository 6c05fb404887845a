package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Identity is a certificate chain, the owner's certificate first, and its private
// key. In a file they are together: both are the same Source.
type Identity struct {
	Chain, Key Source
	// Password opens an encrypted key. It has no file.
	Password Source
}

// Load reads and checks an identity. It may be called concurrently.
func (i Identity) Load() (tls.Certificate, error) {
	chain, err := i.Chain.read()
	if err != nil {
		return tls.Certificate{}, err
	}
	key := chain
	if i.Key != i.Chain {
		if key, err = i.Key.read(); err != nil {
			return tls.Certificate{}, err
		}
	}
	if err := i.check(chain, key); err != nil {
		return tls.Certificate{}, err
	}
	if i.Password.Given() {
		if key, err = i.open(key); err != nil {
			return tls.Certificate{}, err
		}
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s: %w; the certificate of the private key comes first, and then those of the authorities that have signed it",
			i.where(), err)
	}
	return certificate, nil
}

// open decrypts the key, which is known to be there.
func (i Identity) open(text []byte) ([]byte, error) {
	block, text := pem.Decode(text)
	for block != nil && block.Type != encryptedType {
		block, text = pem.Decode(text)
	}
	der, err := decrypt(block.Bytes, i.Password.Text)
	switch {
	case errors.Is(err, errPassword):
		return nil, fmt.Errorf("%s does not fit the private key of %s; give the password that it was encrypted with", i.Password.Setting, i.Key.where())
	case err != nil:
		return nil, fmt.Errorf("%s: the private key cannot be used: %w", i.Key.where(), err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// where names what belongs together.
func (i Identity) where() string {
	if i.Key == i.Chain {
		return i.Chain.where()
	}
	return i.Chain.where() + " and " + i.Key.where()
}

// check finds what is missing, in words that say more than Go's.
func (i Identity) check(chain, key []byte) error {
	inChain, inKey := take(chain), take(key)
	switch {
	case inChain.blocks == 0:
		return i.Chain.noPEM()
	case inKey.blocks == 0:
		return i.Key.noPEM()
	case inChain.certificates == 0:
		return fmt.Errorf("%s has no certificate; put the certificate chain and its private key there, both in PEM", i.Chain.where())
	case inKey.old:
		return fmt.Errorf("%s: the private key is encrypted in OpenSSL's old way, which is not served; encrypt it again with `openssl pkcs8 -topk8`", i.Key.where())
	case inKey.keys+inKey.encrypted == 0:
		return fmt.Errorf("%s has no private key; put the key of the certificate there, in PEM", i.Key.where())
	case inKey.encrypted > 0 && !i.Password.Given():
		return fmt.Errorf("%s: the private key is encrypted; set ssl.key.password, or decrypt it with `openssl pkey` and protect the file by its permissions", i.Key.where())
	case inKey.encrypted == 0 && i.Password.Given():
		return fmt.Errorf("%s is given, and the private key of %s is not encrypted; leave the password out", i.Password.Setting, i.Key.where())
	}
	return nil
}

func (s Source) noPEM() error {
	return fmt.Errorf("%s holds no PEM; convert a JKS store with `keytool -importkeystore -deststoretype PKCS12`, and PKCS#12 with `openssl pkcs12 -nodes`", s.where())
}

// encryptedType is the block of an encrypted key in PKCS#8.
const encryptedType = "ENCRYPTED PRIVATE KEY"

// content is what some PEM has in it.
type content struct {
	blocks, certificates int
	keys, encrypted      int  // in the clear, and in PKCS#8
	old                  bool // there is a key that is encrypted as OpenSSL did before PKCS#8
}

// take takes stock of PEM. What is no PEM is passed over, as openssl's comments are.
func take(text []byte) content {
	var c content
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return c
		}
		c.blocks++
		switch {
		case block.Type == "CERTIFICATE":
			c.certificates++
		case block.Type == encryptedType:
			c.encrypted++
		case block.Headers["DEK-Info"] != "":
			c.old = true
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			c.keys++
		}
	}
}

// Authorities reads the certificates of authorities. Each of them must be one: a
// file of which only a part is understood would lock out, or let in, who knows whom.
func (s Source) Authorities() (*x509.CertPool, error) {
	text, err := s.read()
	if err != nil {
		return nil, err
	}
	switch c := take(text); {
	case c.blocks == 0:
		return nil, s.noPEM()
	case c.certificates == 0:
		return nil, fmt.Errorf("%s has no certificate; put those of the authorities there, in PEM", s.where())
	}
	pool := x509.NewCertPool()
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return pool, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: one of the certificates is damaged: %w; export it again", s.where(), err)
		}
		pool.AddCert(authority)
	}
}
