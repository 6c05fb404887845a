package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestFrameSizeRefusesWhatNoRequestCanHave(t *testing.T) {
	for _, c := range []struct {
		size int32
		ok   bool
	}{
		{math.MinInt32, false}, {-1, false}, {0, false}, {FrameSizeMin - 1, false},
		{FrameSizeMin, true}, {1000, true}, {1001, false}, {math.MaxInt32, false},
	} {
		var prefix [FramePrefixSize]byte
		binary.BigEndian.PutUint32(prefix[:], uint32(c.size))
		size, err := FrameSize(prefix, 1000)
		if c.ok {
			if err != nil || size != int(c.size) {
				t.Errorf("FrameSize(%d) = %d, %v", c.size, size, err)
			}
			continue
		}
		var tooBad *FrameSizeError
		if !errors.As(err, &tooBad) || tooBad.Size != int(c.size) {
			t.Errorf("FrameSize(%d) = %d, %v; want a FrameSizeError", c.size, size, err)
		}
	}
}

// requestFrame is the frame that kmsg's clients send, without its length.
func requestFrame(r kmsg.Request, clientID string) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, r, 7)[FramePrefixSize:]
}

// The formatter of kmsg, which real clients use, is the reference.
func TestHeaderOfEveryKeyAndVersionEndsWhereTheBodyBegins(t *testing.T) {
	for key := range int16(kmsg.MaxKey) + 1 {
		r := kmsg.RequestForKey(key)
		for version := range r.MaxVersion() + 1 {
			if key == keyControlledShutdown && version == 0 {
				continue // kmsg's formatter writes header v1 for it
			}
			r.SetVersion(version)
			h, body, err := ParseHeader(requestFrame(r, "me"))
			if err != nil {
				t.Fatal(err)
			}
			if h.Key != key || h.Version != version || h.CorrelationID != 7 || string(h.ClientID) != "me" {
				t.Fatalf("key %d version %d: header %+v", key, version, h)
			}
			if !bytes.Equal(body, r.AppendTo(nil)) {
				t.Fatalf("key %d version %d: body %x, want %x", key, version, body, r.AppendTo(nil))
			}
		}
	}
}

func TestHeaderV0OfControlledShutdownHasNoClientID(t *testing.T) {
	h, body, err := ParseHeader([]byte{0, 7, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4})
	if err != nil || h.CorrelationID != 9 || h.ClientID != nil || len(body) != 4 {
		t.Fatalf("header %+v, body %x, err %v", h, body, err)
	}
}

func TestHeaderOfUnknownVersionCanBeRead(t *testing.T) {
	// ApiVersions 99 must be answered with what we have, so its header is read
	// as the flexible one that it is.
	h, body, err := ParseHeader([]byte{0, 18, 0, 99, 0, 0, 0, 9, 0xff, 0xff, 0, 42})
	if err != nil || h.Version != 99 || h.ClientID != nil || !bytes.Equal(body, []byte{42}) {
		t.Fatalf("header %+v, body %x, err %v", h, body, err)
	}
}

func TestHeaderTellsEmptyClientIDFromNull(t *testing.T) {
	h, _, err := ParseHeader([]byte{0, 3, 0, 1, 0, 0, 0, 9, 0, 0})
	if err != nil || h.ClientID == nil || len(h.ClientID) != 0 {
		t.Fatalf("header %+v, err %v", h, err)
	}
}

func TestMalformedHeadersAreRefused(t *testing.T) {
	for name, frame := range map[string][]byte{
		"empty":                     {},
		"seven bytes":               {0, 3, 0, 1, 0, 0, 0},
		"no client id":              {0, 3, 0, 1, 0, 0, 0, 9},
		"half a client id's length": {0, 3, 0, 1, 0, 0, 0, 9, 0},
		"client id length -2":       {0, 3, 0, 1, 0, 0, 0, 9, 0xff, 0xfe},
		"client id ends early":      {0, 3, 0, 1, 0, 0, 0, 9, 0, 3, 'a', 'b'},
		"no tag count":              {0, 3, 0, 12, 0, 0, 0, 9, 0xff, 0xff},
		"4 billion tags":            {0, 3, 0, 12, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"tag ends early":            {0, 3, 0, 12, 0, 0, 0, 9, 0xff, 0xff, 1, 5, 4, 1, 2, 3},
		"same tag twice":            {0, 3, 0, 12, 0, 0, 0, 9, 0xff, 0xff, 2, 5, 0, 5, 0},
		"negative key":              {0xff, 0xff, 0, 1, 0, 0, 0, 9, 0xff, 0xff},
		"unknown key":               {0x7f, 0xff, 0, 1, 0, 0, 0, 9, 0xff, 0xff},
	} {
		_, body, err := ParseHeader(frame)
		var malformed *HeaderError
		if !errors.As(err, &malformed) || body != nil {
			t.Errorf("%s: body %x, err %v; want a HeaderError", name, body, err)
		}
	}
}

func TestHeaderSkipsTagsItDoesNotKnow(t *testing.T) {
	_, body, err := ParseHeader([]byte{0, 3, 0, 12, 0, 0, 0, 9, 0xff, 0xff, 2, 0, 1, 'x', 5, 0, 42})
	if err != nil || !bytes.Equal(body, []byte{42}) {
		t.Fatalf("body %x, err %v", body, err)
	}
}

func TestResponseHeaderIsFlexibleWhereTheResponseIs(t *testing.T) {
	for key := range int16(kmsg.MaxKey) + 1 {
		r := kmsg.ResponseForKey(key)
		for version := range r.MaxVersion() + 1 {
			r.SetVersion(version)
			want := []byte{1, 2, 3, 4}
			if r.IsFlexible() && key != keyAPIVersions {
				want = append(want, 0)
			}
			if got := AppendResponseHeader(nil, key, version, 0x01020304); !bytes.Equal(got, want) {
				t.Errorf("key %d version %d: %x, want %x", key, version, got, want)
			}
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 18, 0, 99, 0, 0, 0, 9, 0xff, 0xff, 0, 42})
	f.Add([]byte{0, 3, 0, 12, 0, 0, 0, 9, 0, 1, 'x', 2, 0, 1, 'x', 5, 0, 42})
	f.Add([]byte{0, 7, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4})
	f.Add(requestFrame(kmsg.NewPtrProduceRequest(), "me"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, body, err := ParseHeader(frame)
		if err != nil {
			return
		}
		if !bytes.HasSuffix(frame, body) || FrameSizeMin+len(h.ClientID)+len(body) > len(frame) {
			t.Fatalf("header %+v and %d bytes of body from a frame of %d", h, len(body), len(frame))
		}
	})
}
