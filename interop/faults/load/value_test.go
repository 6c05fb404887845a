//go:build linux

package load

import "testing"

func TestAPayloadHasItsValue(t *testing.T) {
	for sequence := range int64(1000) {
		v := value("go-1/2", 3, sequence)
		if got := parse(payload(v, sequence)); got != v {
			t.Errorf("%q, want %q", got, v)
		}
	}
	for _, damaged := range []string{"", "go-1.0.1", "go-1.0.1 ..x.", "go-1.0.1 ...\x00"} {
		if got := parse([]byte(damaged)); got != damaged {
			t.Errorf("%q is taken for %q", damaged, got)
		}
	}
}

// FuzzParse has anything read, as a broken broker might serve it.
func FuzzParse(f *testing.F) {
	f.Add([]byte("go-1.0.1 ..."))
	f.Add([]byte(" "))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := parse(data); len(got) > len(data) {
			t.Errorf("%q of %q", got, data)
		}
	})
}
