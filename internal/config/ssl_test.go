package config

import (
	"crypto/tls"
	"reflect"
	"slices"
	"testing"

	"github.com/chronik/chronik/internal/certificate"
	"github.com/chronik/chronik/internal/server"
)

func file(setting, path string) certificate.Source {
	return certificate.Source{Setting: setting, File: path}
}

// Each listener has its own settings where there are, and all listeners' otherwise.
func TestListenersOfSSLHaveTheirOwnSettingsOrThoseOfAll(t *testing.T) {
	c := mustLoad(t, user{file: "listeners=PLAINTEXT://:1,SSL://:2,My.Out://:3\nlistener.security.protocol.map=MY.OUT:SSL\n" +
		"ssl.keystore.location=/k.pem\nssl.keystore.type=pem\nlistener.name.my.out.ssl.keystore.location=/own.pem\n" +
		"ssl.truststore.location=/t.pem\nlistener.name.ssl.ssl.client.auth=requested\nlistener.name.my.out.ssl.enabled.protocols=TLSv1.3\n" +
		"listener.name.my.out.ssl.key.password=secret\n"})
	keystore, own := file("ssl.keystore.location", "/k.pem"), file("listener.name.my.out.ssl.keystore.location", "/own.pem")
	password := certificate.Source{Setting: "listener.name.my.out.ssl.key.password", Text: "secret"}
	for i, want := range []*certificate.Options{
		nil,
		{Listener: "SSL", Identity: certificate.Identity{Chain: keystore, Key: keystore}, ClientAuth: tls.VerifyClientCertIfGiven,
			Trust: file("ssl.truststore.location", "/t.pem"), MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13},
		{Listener: "MY.OUT", Identity: certificate.Identity{Chain: own, Key: own, Password: password}, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS13},
	} {
		if got := c.Listeners[i]; !reflect.DeepEqual(got.TLS, want) || (got.Protocol == server.SSL) != (want != nil) {
			t.Errorf("%s %s: %+v, want %+v", got.Protocol, got.Name, got.TLS, want)
		}
	}
	if len(c.Ignored) != 0 {
		t.Errorf("ignored: %+v", c.Ignored)
	}
}

// What Kafka's own files have of TLS stops nobody who does not use it, and is listed.
func TestSettingsOfSSLThatNoListenerUsesAreListed(t *testing.T) {
	c := mustLoad(t, user{file: "ssl.keystore.location=/k.jks\nssl.keystore.type=JKS\nssl.keystore.password=x\nssl.client.auth=required\nssl.enabled.protocols=TLSv1.1\nlistener.name.out.ssl.client.auth=none\n"})
	var got []string
	for _, ignored := range c.Ignored {
		if ignored.Reason == unusedSSLReason {
			got = ignored.Names
		}
	}
	if want := []string{"listener.name.out.ssl.client.auth", "ssl.client.auth", "ssl.enabled.protocols", "ssl.keystore.location", "ssl.keystore.type"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	c = mustLoad(t, user{file: "listeners=SSL://:1\nssl.keystore.certificate.chain=c\nssl.keystore.key=k\nssl.truststore.location=/t\n"})
	if want := []Ignored{{unusedSSLReason, []string{"ssl.truststore.location"}}}; !reflect.DeepEqual(c.Ignored, want) {
		t.Errorf("ignored %+v, want %+v: no client is asked for a certificate", c.Ignored, want)
	}
}

func TestWhatIsWrongWithSSLIsSaidInASentence(t *testing.T) {
	f := func(settings, want string) {
		t.Helper()
		_, err := user{file: "listeners=SSL://:1\n" + settings}.load(t)
		if want = "listener SSL: " + want; err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", settings, err, want)
		}
	}
	const at, key = "server.properties:2: ", "ssl.keystore.location=/k\n"
	f("", "it speaks SSL and has no certificate; set ssl.keystore.location to a PEM file with the certificate chain and its private key")
	f("ssl.keystore.key=x\n", at+"ssl.keystore.key is given without its certificate; set ssl.keystore.certificate.chain")
	f("ssl.keystore.certificate.chain=x\n", at+"ssl.keystore.certificate.chain is given without its private key; set ssl.keystore.key")
	f(key+"ssl.keystore.key=x\n", at+"ssl.keystore.location and the texts ssl.keystore.certificate.chain and ssl.keystore.key both say what the certificate is; leave one of them out")
	f("ssl.keystore.type=JKS\n"+key, at+"ssl.keystore.type is JKS, and only PEM is served; convert a JKS store with `keytool -importkeystore -deststoretype PKCS12`, and PKCS#12 with `openssl pkcs12 -nodes`")
	f("ssl.keystore.password=secret\n"+key, at+"ssl.keystore.password is not for PEM, in Kafka neither; leave it out")
	f("ssl.cipher.suites=A\n"+key, at+"ssl.cipher.suites is not served: Go's own choice of suites counts; leave it out, or narrow ssl.enabled.protocols")
	f("ssl.principal.mapping.rules=RULE:x\n"+key, at+"ssl.principal.mapping.rules is not served: the user is the whole subject of the certificate; leave it out")
	f("ssl.enabled.protocols=TLSv1.2,TLSv1.1\n"+key, at+`ssl.enabled.protocols names "TLSv1.1", and only TLSv1.2 and TLSv1.3 are served; leave it out`)
	f("ssl.enabled.protocols=,\n"+key, at+`ssl.enabled.protocols names "", and only TLSv1.2 and TLSv1.3 are served; leave it out`)
	f("ssl.client.auth=required\n"+key, "ssl.client.auth is required, and nothing says whose certificates count; set ssl.truststore.location to a PEM file with the authorities that sign those of clients")
	f("ssl.truststore.location=/t\nssl.truststore.certificates=x\nssl.client.auth=requested\n"+key, at+"ssl.truststore.location and ssl.truststore.certificates both say whose certificates count; leave one of them out")
	f("ssl.truststore.type=PKCS12\nssl.truststore.location=/t\nssl.client.auth=requested\n"+key, at+"ssl.truststore.type is PKCS12, and only PEM is served; convert a JKS store with `keytool -importkeystore -deststoretype PKCS12`, and PKCS#12 with `openssl pkcs12 -nodes`")
}

func TestSettingsOfOneListenerAreCheckedAsThoseOfAll(t *testing.T) {
	_, err := user{file: "listener.name.out.ssl.client.auth=maybe\n"}.load(t)
	const want = `server.properties:1: listener.name.out.ssl.client.auth: "maybe" is not one of required, requested, none`
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}
