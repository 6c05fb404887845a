package certificate

import (
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"testing"
)

// The keys in testdata are one key, encrypted with "pass word" by OpenSSL 3.0.
func encrypted(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEncryptedKeysAreOpened(t *testing.T) {
	for name, want := range map[string]string{
		"aes256.key":        "",
		"aes128-sha1.key":   "",
		"aes192-sha512.key": "",
		"des3.key":          "the.key: the private key cannot be used: it is encrypted in a way that is not served",
		"scrypt.key":        "the.key: the private key cannot be used: it is encrypted in a way that is not served",
		"pbes1.key":         "the.key: the private key cannot be used: it is encrypted in a way that is not served",
		"iterations.key":    "the.key: the private key cannot be used: it takes 10000001 iterations to open",
	} {
		i := Identity{Chain: text("the.chain", encrypted(t, "x.crt")), Key: text("the.key", encrypted(t, name)), Password: text("the.password", "pass word")}
		switch _, err := i.Load(); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestPasswordsThatDoNotFitAreRefusedInASentence(t *testing.T) {
	i := Identity{Chain: text("the.chain", encrypted(t, "x.crt")), Key: text("the.key", encrypted(t, "aes256.key"))}
	if _, err := i.Load(); err == nil || !strings.HasPrefix(err.Error(), "the.key: the private key is encrypted; set ssl.key.password, or decrypt it") {
		t.Errorf("without a password: %v", err)
	}
	i.Password = text("the.password", "wrong")
	const want = "the.password does not fit the private key of the.key; give the password that it was encrypted with"
	if _, err := i.Load(); err == nil || err.Error() != want {
		t.Errorf("with a wrong password: %v", err)
	}
	opened, err := decrypt(block(t, "aes256.key"), "pass word")
	if err != nil {
		t.Fatal(err)
	}
	i.Key.Text = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: opened}))
	if _, err := i.Load(); err == nil || err.Error() != "the.password is given, and the private key of the.key is not encrypted; leave the password out" {
		t.Errorf("with a password for nothing: %v", err)
	}
}

func block(t testing.TB, name string) []byte {
	t.Helper()
	b, _ := pem.Decode([]byte(encrypted(t, name)))
	if b == nil {
		t.Fatalf("%s has no PEM", name)
	}
	return b.Bytes
}

// Goal: damage is an error, and no panic. Method: each byte of a key changed, and each
// length of it.
func TestDamagedEncryptedKeysAreRefused(t *testing.T) {
	whole := block(t, "aes256.key")
	for i := range whole {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			damaged := append([]byte(nil), whole...)
			damaged[i] ^= flip
			_, _ = decrypt(damaged, "pass word") // some of it nothing covers
		}
		if _, err := decrypt(whole[:i], "pass word"); err == nil || errors.Is(err, errPassword) {
			t.Errorf("%d bytes of it: %v", i, err)
		}
	}
}
