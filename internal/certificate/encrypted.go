package certificate

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// iterationsMax bounds what a key file can make a start, or a handshake after it has
// changed, compute: some seconds. OpenSSL writes 2048 iterations, and whoever wants
// more takes a million.
const iterationsMax = 10_000_000

var (
	errScheme   = errors.New("it is encrypted in a way that is not served (PBES2 with PBKDF2 and AES-CBC is); encrypt it again with `openssl pkcs8 -topk8 -v2 aes256`")
	errPassword = errors.New("the password does not fit")
)

// encryptedKey is PKCS#8's EncryptedPrivateKeyInfo (RFC 5958, section 3).
type encryptedKey struct {
	Scheme pkix.AlgorithmIdentifier
	Data   []byte
}

// scheme2 is PBES2-params (RFC 8018, appendix A.4).
type scheme2 struct{ Derivation, Cipher pkix.AlgorithmIdentifier }

// derivation2 is PBKDF2-params (RFC 8018, appendix A.2).
type derivation2 struct {
	Salt       []byte
	Iterations int
	KeyBytes   int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// decrypt opens a block of the type ENCRYPTED PRIVATE KEY, and returns that of the type
// PRIVATE KEY which is in it.
func decrypt(der []byte, password string) ([]byte, error) {
	var key encryptedKey
	var scheme scheme2
	var d derivation2
	if rest, err := asn1.Unmarshal(der, &key); err != nil || len(rest) > 0 {
		return nil, errors.New("it is damaged; export it again")
	}
	if key.Scheme.Algorithm.String() != "1.2.840.113549.1.5.13" || !parameters(key.Scheme, &scheme) ||
		scheme.Derivation.Algorithm.String() != "1.2.840.113549.1.5.12" || !parameters(scheme.Derivation, &d) {
		return nil, errScheme
	}
	if d.Iterations < 1 || d.Iterations > iterationsMax {
		return nil, fmt.Errorf("it takes %d iterations to open, and %d are the most that are served; encrypt it again with fewer", d.Iterations, iterationsMax)
	}
	prf, keyBytes := pseudorandom(d.PRF.Algorithm), aesBytes(scheme.Cipher.Algorithm)
	var vector []byte
	if prf == nil || keyBytes == 0 || !parameters(scheme.Cipher, &vector) || len(vector) != aes.BlockSize {
		return nil, errScheme
	}
	secret, err := pbkdf2.Key(prf, password, d.Salt, d.Iterations, keyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	if len(key.Data) == 0 || len(key.Data)%aes.BlockSize != 0 {
		return nil, errors.New("it is damaged; export it again")
	}
	plain := make([]byte, len(key.Data))
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(plain, key.Data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, errPassword
	}
	plain = plain[:len(plain)-padding]
	// A wrong password leaves padding that looks right once in 256 times, and no key.
	if _, err := x509.ParsePKCS8PrivateKey(plain); err != nil {
		return nil, errPassword
	}
	return plain, nil
}

// parameters reads the parameters of an algorithm.
func parameters(of pkix.AlgorithmIdentifier, to any) bool {
	rest, err := asn1.Unmarshal(of.Parameters.FullBytes, to)
	return err == nil && len(rest) == 0
}

// pseudorandom is the hash of PBKDF2's HMAC; SHA-1 where none is named.
func pseudorandom(oid asn1.ObjectIdentifier) func() hash.Hash {
	switch oid.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

// aesBytes is the size of the key of AES-CBC; 0 of another cipher.
func aesBytes(oid asn1.ObjectIdentifier) int {
	switch oid.String() {
	case "2.16.840.1.101.3.4.1.2":
		return 16
	case "2.16.840.1.101.3.4.1.22":
		return 24
	case "2.16.840.1.101.3.4.1.42":
		return 32
	}
	return 0
}
