package certificate

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

// The expected names are what X500Principal.getName of OpenJDK 17 gives, but for the two
// encodings of text that it misreads.
func TestSubjectIsWrittenAsKafkaNamesItsUser(t *testing.T) {
	f := func(want string, attributes ...pkix.AttributeTypeAndValue) {
		t.Helper()
		var name pkix.RDNSequence
		for _, a := range attributes {
			name = append(name, pkix.RelativeDistinguishedNameSET{a})
		}
		der, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Subject(&x509.Certificate{RawSubject: der}); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	a := func(value any, oid ...int) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: oid, Value: value}
	}
	cn := func(value any) pkix.AttributeTypeAndValue { return a(value, 2, 5, 4, 3) }
	f("CN=alice,OU=Sales,O=Example,L=Berlin,ST=BE,C=DE",
		a("DE", 2, 5, 4, 6), a("BE", 2, 5, 4, 8), a("Berlin", 2, 5, 4, 7), a("Example", 2, 5, 4, 10), a("Sales", 2, 5, 4, 11), cn("alice"))
	f(`CN=Example\, Inc. \"x\" \+\<\>\;\=\#\\`, cn(`Example, Inc. "x" +<>;=#\`))
	f(`CN=\ \ a b\ \ `, cn("  a b  "))
	f("CN=Zoë", cn("Zoë"))
	f("UID=u,DC=example,DC=org", a("org", 0, 9, 2342, 19200300, 100, 1, 25), a("example", 0, 9, 2342, 19200300, 100, 1, 25), a("u", 0, 9, 2342, 19200300, 100, 1, 1))
	f("2.5.4.5=#13023132,CN=x", cn("x"), a("12", 2, 5, 4, 5)) // a serial number has no short name
	f("1.2.840.113549.1.9.1=#1603614062", a(asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("a@b")}, 1, 2, 840, 113549, 1, 9, 1))
	f("CN=\\\rx", cn("\rx"))
	f(`CN=a\00b`, cn("a\x00b"))
	f("CN=", cn(""))
	f("CN=é", cn(asn1.RawValue{Tag: asn1.TagT61String, Bytes: []byte{0xe9}}))
	f("CN=é€", cn(asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte{0, 0xe9, 0x20, 0xac}}))
	f("CN=#0201ff", cn(-1))
	f("")

	together := pkix.RDNSequence{{a("x", 2, 5, 4, 3), a("12", 2, 5, 4, 5)}}
	der, err := asn1.Marshal(together)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Subject(&x509.Certificate{RawSubject: der}); err != nil || got != "CN=x+2.5.4.5=#13023132" {
		t.Errorf("attributes that stand together: %s, %v", got, err)
	}
}

func FuzzSubject(f *testing.F) {
	der, err := asn1.Marshal(pkix.Name{CommonName: "x", Organization: []string{"a", "b"}}.ToRDNSequence())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Fuzz(func(_ *testing.T, der []byte) {
		_, _ = Subject(&x509.Certificate{RawSubject: der})
	})
}
