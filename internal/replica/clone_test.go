package replica

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik/chronik/internal/model"
)

// noLog is a log of no records.
type noLog struct{}

func (noLog) StartOffset() model.Offset { return 0 }
func (noLog) EndOffset() model.Offset   { return 0 }
func (noLog) EpochEnd(model.LeaderEpoch) (model.LeaderEpoch, model.Offset) {
	return model.NoLeaderEpoch, 0
}
func (noLog) LastEpoch() model.LeaderEpoch { return model.NoLeaderEpoch }

// full is a replica in which no slice is empty.
func full(now time.Time, as role) *Replica {
	r := New(Options{Log: noLog{}, LagMax: time.Minute})
	r.role = as
	r.view.Members = make([]Member, 1)
	r.early = make([]earlyPosition, 1)
	r.lead.progress = []progress{{caughtUp: now, mark: now}}
	r.lead.pending.proposed, r.follow.asked = now, now
	r.lead.pending.change = Change{ISR: make([]ChangeMember, 1), Lost: make([]model.NodeID, 1)}
	return r
}

// leaves calls do with every field below v that is not a struct or a slice, and may
// be set.
func leaves(v reflect.Value, path string, do func(path string, leaf reflect.Value)) {
	v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		do(path, v)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, do)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), path+"[]", do)
		}
	default:
		do(path, v)
	}
}

// alter gives a leaf another value.
func alter(t *testing.T, path string, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(v.Interface().(time.Time).Add(-time.Second)))
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.CanInt():
		v.SetInt(v.Int() + 1)
	case v.CanUint():
		v.SetUint(v.Uint() + 1)
	default:
		t.Fatalf("%s is a %s: teach this test to alter it, and AppendState and Clone what it means", path, v.Kind())
	}
}

// Goal: a field that is added to a replica is not forgotten in its name. Method:
// every field is altered by itself, in each role, and must change the name in one
// of the roles at least.
func TestAppendStateNamesEveryField(t *testing.T) {
	now := time.Unix(1000, 0)
	seen := map[string]bool{}
	for _, as := range []role{idle, asking, cutting, followed, leader} {
		plain := full(now, as).AppendState(nil, now)
		var paths []string
		leaves(reflect.ValueOf(full(now, as)).Elem(), "", func(path string, _ reflect.Value) { paths = append(paths, path) })
		for at, path := range paths {
			if path == ".log" {
				continue // the caller names it
			}
			r := full(now, as)
			i := 0
			leaves(reflect.ValueOf(r).Elem(), "", func(_ string, leaf reflect.Value) {
				if i == at {
					alter(t, path, leaf)
				}
				i++
			})
			seen[path] = seen[path] || !bytes.Equal(plain, r.AppendState(nil, now))
		}
	}
	for path, ok := range seen {
		if !ok {
			t.Errorf("AppendState does not see %s", path)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d fields were looked at", len(seen))
	}
}

// Goal: what happens to a clone does not show in its origin. Method: every field of
// the clone is altered that is not part of a value which nobody changes in place.
func TestCloneSharesNothingThatChanges(t *testing.T) {
	now := time.Unix(1000, 0)
	r := full(now, leader)
	r.out = []Effect{{Kind: Send}}
	before := r.AppendState(nil, now)
	c := r.Clone(noLog{})
	if !bytes.Equal(before, c.AppendState(nil, now)) || !slices.Equal(r.out, c.out) {
		t.Fatal("a clone is not like its origin")
	}
	immutable := func(path string) bool {
		return slices.Contains([]string{".log", ".out[].Change"}, path) || // a View and a Change do not change
			strings.HasPrefix(path, ".view.Members[]") ||
			strings.HasPrefix(path, ".lead.pending.change.") ||
			strings.HasPrefix(path, ".out[].Message.") ||
			strings.HasPrefix(path, ".out[].Answer.")
	}
	leaves(reflect.ValueOf(c).Elem(), "", func(path string, leaf reflect.Value) {
		if !immutable(path) {
			alter(t, path, leaf)
		}
	})
	if !bytes.Equal(before, r.AppendState(nil, now)) || r.out[0].Kind != Send {
		t.Error("changing a clone changes its origin")
	}
}

func TestLapseDropsAMemberThatLags(t *testing.T) {
	now := time.Unix(1000, 0)
	r := New(Options{Node: 1, Log: noLog{}, LagMax: time.Minute})
	members := []Member{{Node: 1, InSync: true}, {Node: 2, InSync: true}, {Node: 3, InSync: true}}
	r.Apply(View{Leader: 1, LeaderEpoch: 1, Members: members, MinInsync: 1}, now)
	r.NormalSaved(1, now)
	r.Take()
	r.Lapse(3)
	r.Tick(now)
	out := r.Take()
	if len(out) != 1 || out[0].Kind != Propose || len(out[0].Change.ISR) != 2 || out[0].Change.ISR[1].Node != 2 {
		t.Errorf("after 3 has lagged: %+v", out)
	}
}
