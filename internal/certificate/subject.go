package certificate

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// attribute is one part of a name. Its value is kept as it was encoded, which
// RFC 2253 shows of those that have no short name.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// relativeSET are attributes that stand together; asn1 knows a SET by the name's end.
type relativeSET []attribute

// Subject is the subject of a certificate as Java's X500Principal.getName writes it
// (RFC 2253), which is the name of Kafka's user: CN=alice,O=Example,C=DE. Rules and
// quotas that were made for Kafka are for names in exactly this form.
func Subject(c *x509.Certificate) (string, error) {
	var name []relativeSET
	if _, err := asn1.Unmarshal(c.RawSubject, &name); err != nil {
		return "", fmt.Errorf("read the subject of the certificate: %w", err)
	}
	slices.Reverse(name) // the most particular first
	all := make([]string, len(name))
	for i, relative := range name {
		parts := make([]string, len(relative))
		for j, a := range relative {
			parts[j] = a.String()
		}
		all[i] = strings.Join(parts, "+")
	}
	return strings.Join(all, ","), nil
}

func (a attribute) String() string {
	keyword := keyword(a.Type.String())
	text, ok := decodeText(a.Value)
	if keyword == "" || !ok {
		return cmp.Or(keyword, a.Type.String()) + "=#" + hex.EncodeToString(a.Value.FullBytes)
	}
	return keyword + "=" + escape(text)
}

// keyword is the short name that RFC 2253 has for an attribute, or nothing.
func keyword(oid string) string {
	switch oid {
	case "2.5.4.3":
		return "CN"
	case "2.5.4.6":
		return "C"
	case "2.5.4.7":
		return "L"
	case "2.5.4.8":
		return "ST"
	case "2.5.4.9":
		return "STREET"
	case "2.5.4.10":
		return "O"
	case "2.5.4.11":
		return "OU"
	case "0.9.2342.19200300.100.1.1":
		return "UID"
	case "0.9.2342.19200300.100.1.25":
		return "DC"
	}
	return ""
}

// decodeText is the text of a string type; false where the value is none. Java reads the
// bytes of the last two types as UTF-8, by which different names become the same.
func decodeText(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagPrintableString, asn1.TagIA5String, asn1.TagUTF8String, asn1.TagGeneralString:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagT61String: // as Latin 1, as everybody reads it
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		return string(runes), true
	case asn1.TagBMPString:
		units := make([]uint16, 0, len(v.Bytes)/2)
		for pair := range slices.Chunk(v.Bytes, 2) {
			if len(pair) < 2 {
				return "", false
			}
			units = append(units, uint16(pair[0])<<8|uint16(pair[1]))
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}

// escape puts a backslash where RFC 2253 demands one, and where Java does.
func escape(text string) string {
	leading := len(text) - len(strings.TrimLeft(text, " \r"))
	trailing := len(strings.TrimRight(text, " \r"))
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == 0:
			b.WriteString(`\00`)
			continue
		case strings.ContainsRune(`,=+<>#;"\`, r), (i < leading || i >= trailing) && (r == ' ' || r == '\r'):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
