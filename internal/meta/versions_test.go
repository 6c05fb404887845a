package meta

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files of bytes anew")

// The numbers are on disks and in other builds: none is skipped or given twice.
func TestVersionsFollowEachOther(t *testing.T) {
	for i, r := range releases {
		if r.version != Version(i+1) || r.name == "" || r.since == "" {
			t.Errorf("row %d is %+v", i, r)
		}
		if i > 0 && r.level <= releases[i-1].level {
			t.Errorf("version %d has level %d, and the one before %d", r.version, r.level, releases[i-1].level)
		}
		if v, ok := VersionOf(r.version.Level()); !ok || v != r.version {
			t.Errorf("level %d is of version %d", r.level, v)
		}
	}
	if Newest != releases[len(releases)-1].version || Oldest > Newest || Oldest < 1 {
		t.Errorf("versions %d to %d are supported", Oldest, Newest)
	}
	if _, ok := VersionOf(Newest.Level() + 1); ok {
		t.Error("a level is known that is none")
	}
	if !Version1.ChangesFormat(Version2) || Version2.ChangesFormat(Version2) || Version2.ChangesFormat(Version1) {
		t.Error("version 2 alone changes the format of version 1")
	}
}

// Goal: what a version does not have is never written where it is in force. Method:
// every record is written in every version. Where since allows it nothing is lost;
// where it does not, a record is lost or refused.
func TestSinceIsTheFirstVersionThatLosesNothing(t *testing.T) {
	for _, r := range allRecords() {
		for v := Oldest; v <= Newest; v++ {
			got, err := DecodeRecords(appendRecord(nil, r, v))
			if err != nil {
				t.Fatal(err)
			}
			if whole := reflect.DeepEqual(got, []Record{r}); r.since() <= v && !whole {
				t.Errorf("version %d loses some of %T: %v, want %v", v, r, got[0], r)
			}
			err = allowed(r, v)
			needed, refused := errors.AsType[*VersionNeededError](err)
			if refused != (r.since() > v) {
				t.Errorf("%T of version %d where %d is in force: %v", r, r.since(), v, err)
			}
			if refused && (needed.Needed != r.since() || needed.InForce != v) {
				t.Errorf("%v", err)
			}
		}
	}
}

func TestRecordsFollowTheVersionBeforeThem(t *testing.T) {
	later := broker(1, 1)
	later.Supports = Supported
	records := []Record{&VersionRecord{Version1}, &VersionRecord{Version2}, later}
	got, err := DecodeRecords(AppendRecords(nil, records, 0))
	if err != nil || !reflect.DeepEqual(got, records) {
		t.Fatalf("%v, %v", got, err)
	}
	i, err := new(Image).After(records, 1)
	if err != nil || i.Brokers.ByID(1).Supports != Supported {
		t.Fatalf("%v, %v", i, err)
	}
	if again, err := DecodeSnapshot(EncodeSnapshot(i)); err != nil || again.Brokers.ByID(1).Supports != Supported {
		t.Fatalf("%v, %v", again, err)
	}
	slices.Reverse(records)
	if _, err := new(Image).After(records, 1); !errors.As(err, new(*VersionNeededError)) {
		t.Fatalf("a record before its version: %v", err)
	}
}

// A snapshot of a version is that of the first build that knew it, for one image.
func TestSnapshotsAreThoseOfTheVersionInForce(t *testing.T) {
	i, err := new(Image).After([]Record{&VersionRecord{Version1}, &ClusterRecord{"c"}, broker(1, 1)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{snapshotFormat, 1}
	for r := range i.Records() {
		want = appendRecord(want, r, Version1)
	}
	if got := EncodeSnapshot(i); string(got) != string(want) {
		t.Errorf("%x, want %x", got, want)
	}
}

// The files hold every record's bytes in each version. They are read by other builds:
// the lines of a version that has been released stay as they are.
func TestBytesOfRecords(t *testing.T) {
	for v := Oldest; v <= Newest; v++ {
		var b strings.Builder
		for _, r := range allRecords() {
			if r.since() <= v {
				fmt.Fprintf(&b, "%T %s\n", r, hex.EncodeToString(appendRecord(nil, r, v)))
			}
		}
		path := filepath.Join("testdata", fmt.Sprintf("records-%d.golden", v))
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("records of version %d are written in another way than %s says: add a version, or fields to one that has not been released", v, path)
		}
	}
}

func TestLaterVersionsAreRefused(t *testing.T) {
	for _, v := range []Version{Oldest - 1, Newest + 1} {
		_, err := new(Image).After([]Record{&VersionRecord{v}}, 1)
		if unsupported, ok := errors.AsType[*UnsupportedVersionError](err); !ok || unsupported.Version != v {
			t.Errorf("version %d: %v", v, err)
		}
	}
	registered := &RegisterBrokerRecord{Broker{ID: 1, Epoch: 1, Supports: Range{Oldest: 1, Newest: 9}}}
	if r, err := DecodeRecords(appendRecord(nil, registered, Newest)); err != nil || !reflect.DeepEqual(r, []Record{registered}) {
		t.Errorf("a broker of a later build: %v, %v", r, err)
	}
}
