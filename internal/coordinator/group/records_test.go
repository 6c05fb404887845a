package group

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/chronik/chronik/internal/coordinator"
)

// The bytes that Kafka 4.3.1 wrote for the same commits.
func TestRecordsAreKafkas(t *testing.T) {
	f := func(r coordinator.Record, key, value string) {
		t.Helper()
		if got := hex.EncodeToString(r.Key); got != key {
			t.Errorf("key %s, want %s", got, key)
		}
		if got := hex.EncodeToString(r.Value); got != value {
			t.Errorf("value %s, want %s", got, value)
		}
	}
	topicID := [16]byte{0xb1, 0xbb, 0xdf, 0x67, 0x11, 0x58, 0x42, 0x66, 0x8e, 0xea, 0xb7, 0x8a, 0x15, 0x5d, 0xa3, 0x09}
	o := offset{offset: 5, leaderEpoch: 3, committed: 0x1a20bc37068, expires: never, topicID: topicID}
	f(offsetRecord("", "t", 0, o),
		"00010000000174"+"00000000",
		"0004"+"0000000000000005"+"00000003"+"01"+"000001a20bc37068"+"01"+"00"+"10"+"b1bbdf67115842668eeab78a155da309")
	o.expires = o.committed + 100_000
	f(offsetRecord("gret", "t", 0, o),
		"0001"+"0004"+hex.EncodeToString([]byte("gret"))+"000174"+"00000000",
		"0001"+"0000000000000005"+"0000"+"000001a20bc37068"+"000001a20bc4f708")
	g := newGroup("g0", time.UnixMilli(0x1a20bc37068))
	f(groupRecord(g), "0002"+"00026730", "0003"+"0000"+"00000000"+"ffff"+"ffff"+"000001a20bc37068"+"00000000")
	if r := groupTombstone("g0"); r.Value != nil || !bytes.Equal(r.Key, groupKeyOf("g0")) {
		t.Errorf("tombstone %+v", r)
	}
}

func TestReplayPassesOverOtherProtocols(t *testing.T) {
	d := newDriver(t)
	for version := byte(3); version < 20; version++ {
		if err := d.s.Replay(coordinator.Record{Key: []byte{0, version, 1}, Value: []byte{9}}); err != nil {
			t.Errorf("key %d: %v", version, err)
		}
	}
	for _, r := range []coordinator.Record{offsetTombstone("no", "t", 1), groupTombstone("no")} {
		if err := d.s.Replay(r); err != nil {
			t.Errorf("tombstone of nothing: %v", err)
		}
	}
	if len(d.s.groups) != 0 {
		t.Error("groups from nothing")
	}
}

func TestReplayRefusesWhatItDoesNotUnderstand(t *testing.T) {
	s := NewGroups(DefaultConfig())
	f := func(key, value []byte) {
		t.Helper()
		if err := s.Replay(coordinator.Record{Key: key, Value: value}); err == nil || len(s.groups) != 0 {
			t.Errorf("%x %x: error %v, %d groups", key, value, err, len(s.groups))
		}
	}
	f(nil, nil)
	f([]byte{0}, nil)
	f([]byte{0, 1, 0}, nil)
	f(groupKeyOf("g"), []byte{0})
	f(groupKeyOf("g"), []byte{0, 9})
	f(groupKeyOf("g"), []byte{0, 3, 0})
	f(offsetKeyOf("g", "t", 0), []byte{0, 9, 0, 0, 0, 0})
	f(offsetKeyOf("g", "t", 0), []byte{0, 3, 0, 0, 0, 0})
}

func TestOldFormatsAreRead(t *testing.T) {
	s := NewGroups(DefaultConfig())
	k := kmsg.OffsetCommitKey{Version: 0, Group: "g", Topic: "t"}
	v := kmsg.OffsetCommitValue{Version: 0, Offset: 4, Metadata: "m", CommitTimestamp: 9}
	m := kmsg.GroupMetadataValue{Version: 0, ProtocolType: consumerProtocol, Generation: 3, Members: []kmsg.GroupMetadataValueMember{{MemberID: "a", SessionTimeoutMillis: 7000}}}
	for _, r := range []coordinator.Record{{Key: k.AppendTo(nil), Value: v.AppendTo(nil)}, {Key: groupKeyOf("g"), Value: m.AppendTo(nil)}} {
		if err := s.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	s.Loaded(time.UnixMilli(0))
	g := s.groups["g"]
	if o := g.offsets["t"][0]; o.offset != 4 || o.leaderEpoch != -1 || o.expires != never {
		t.Errorf("offset %+v", o)
	}
	if g.state != Stable || !g.since.IsZero() || g.members[0].sessionTimeout != 7*time.Second {
		t.Errorf("group %+v", g)
	}
}

// durable is all that a group's records say, for comparison.
func durable(s *Groups) map[string]string {
	all := make(map[string]string)
	for id, g := range s.groups {
		if g.state == Empty || g.state == Stable {
			all["group "+id] = fmt.Sprintf("%x", groupRecord(g).Value)
		}
		for topic, partitions := range g.offsets {
			for p, o := range partitions {
				all[fmt.Sprintf("offset %s %s %d", id, topic, p)] = fmt.Sprintf("%+v", o)
			}
		}
	}
	return all
}

// Goal: what another coordinator loads is what this one had made durable.
// Method: random requests, failing appends and passing time; groups that are in
// a rebalance have their last generation in the log, which is not compared.
func TestReloadGivesTheSameDurableState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDriver(t, func(c *Config) { c.OffsetsRetention = time.Minute; c.OffsetsRetentionCheckInterval = 20 * time.Second })
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		var joins []joining
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			joins = randomStep(d, random, joins)
			live, loaded := durable(d.s), durable(d.reload().s)
			for key, value := range live {
				if id, ok := strings.CutPrefix(key, "group "); ok && d.s.groups[id].protocolType == "" {
					continue // has no record, or one that says nothing
				}
				if loaded[key] != value {
					rt.Fatalf("%s is %q after a reload, not %q", key, loaded[key], value)
				}
			}
		}
	})
}

// randomStep makes one request that may make sense.
func randomStep(d *driver, random *rand.Rand, joins []joining) []joining {
	anyone := func() (id string, generation int32) {
		g := d.s.groups["g"]
		if g == nil || len(g.members) == 0 {
			return "nobody", 1
		}
		return g.members[random.IntN(len(g.members))].id, g.generation
	}
	id, generation := anyone()
	switch random.IntN(12) {
	case 0, 1:
		j, _ := d.enter(subscription("t"))
		joins = append(joins, j)
	case 2:
		d.join(joinRequest(9, "", []string{"i", "j"}[random.IntN(2)], subscription("t", "u")))
	case 3, 4:
		d.join(joinRequest(9, id, "", subscription("u")))
	case 5, 6, 7:
		if g := d.s.groups["g"]; g != nil {
			d.sync(g.leader, "", generation, id, fmt.Sprint(random.Int()))
		}
	case 8:
		d.commit(id, generation, []string{"t", "u", "v"}[random.IntN(3)], random.Int64())
	case 9:
		d.leave(5, kmsg.LeaveGroupRequestMember{MemberID: id})
	case 10:
		d.advance(time.Duration(random.IntN(15)) * time.Second)
	case 11:
		d.deleteOffsets("g", "t", "v")
		d.deleteGroup("g")
		d.apply(d.s.TopicsDeleted([]string{"u"}))
	}
	return joins
}

// Goal: no request sequence breaks an invariant, writes failing or not, and
// every group comes to rest when its members fall silent.
func TestFailingAppendsKeepTheInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := newDriver(t)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		var joins []joining
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			d.fail = nil
			if random.IntN(4) == 0 {
				d.fail = []error{coordinator.ErrUnavailable, coordinator.ErrTooLarge, coordinator.ErrNotLeader}[random.IntN(3)]
			}
			if random.IntN(10) == 0 {
				d.fail = nil
				joins = randomStep(d, random, joins)
			}
			randomFailing(d, random)
			d.check()
		}
		d.fail = nil
		d.advance(10 * time.Minute)
		if g := d.s.groups["g"]; g != nil && g.state != Empty {
			rt.Fatalf("group came to rest in %s", g.state)
		}
		for _, j := range joins {
			j.now() // answered, one way or the other
		}
	})
}

// randomFailing makes requests whose append may fail.
func randomFailing(d *driver, random *rand.Rand) {
	g := d.s.groups["g"]
	switch {
	case g == nil || random.IntN(3) == 0:
		d.join(joinRequest(9, "", []string{"i", "j", ""}[random.IntN(3)], "x"))
	case len(g.members) == 0 || random.IntN(3) == 0:
		d.advance(time.Duration(random.IntN(8)) * time.Second)
	default:
		m := g.members[random.IntN(len(g.members))]
		d.sync(m.id, m.instance, g.generation, m.id, "all")
		d.commit(m.id, g.generation, "t", 1)
	}
}

func FuzzReplay(f *testing.F) {
	d := newDriver(f)
	d.static()
	d.commit("", -1, "t", 1)
	for _, r := range append(d.log, offsetRecord("g", "t", 1, offset{expires: 5}), offsetRecord("g", "t", 1, offset{expires: never, topicID: [16]byte{1}}), groupTombstone("g")) {
		f.Add(r.Key, r.Value)
	}
	f.Add([]byte{0, 3}, []byte(nil))
	nameless := newGroup("g", d.now)
	nameless.add(&member{protocols: []protocol{{}}})
	nameless.state = Stable
	r := groupRecord(nameless)
	f.Add(r.Key, r.Value) // a member without an id could not lead its group
	f.Fuzz(func(t *testing.T, key, value []byte) {
		d := newDriver(t)
		d.s = NewGroups(d.s.config)
		err := d.s.Replay(coordinator.Record{Key: key, Value: value})
		if err != nil && len(d.s.groups) != 0 {
			t.Fatalf("a record that is refused with %v changed something", err)
		}
		d.apply(d.s.Loaded(d.now))
		for _, g := range d.s.groups {
			if err := d.s.Replay(groupRecord(g)); err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
		}
	})
}

func FuzzSubscription(f *testing.F) {
	f.Add([]byte(subscription("t", "topic")))
	f.Add([]byte{0, 0, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, metadata []byte) {
		got, err := readSubscription(metadata)
		var known kmsg.ConsumerMemberMetadata
		if known.ReadFrom(metadata) != nil || known.Version < 0 {
			return // ours reads less of it, and so may take more; kmsg takes negative versions
		}
		if err != nil && len(known.Topics) > 0 {
			t.Fatalf("refused what kmsg reads as %q", known.Topics)
		}
		if err == nil && fmt.Sprint(got) != fmt.Sprint(known.Topics) {
			t.Fatalf("topics %q, kmsg has %q", got, known.Topics)
		}
	})
}
