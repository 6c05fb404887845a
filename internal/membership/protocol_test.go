package membership

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/chronik/chronik/internal/controller"
	"github.com/chronik/chronik/internal/meta"
	"github.com/chronik/chronik/internal/model"
	"github.com/chronik/chronik/internal/quorum"
	"github.com/chronik/chronik/internal/wire"
)

var update = flag.Bool("update", false, "write the file of bytes anew")

// The file holds the JSON of what goes between nodes, but for commands and their results
// (package controller). Other builds read it: a field may be added, which they skip; the
// others stay.
func TestBytesOfMessages(t *testing.T) {
	topic := model.TopicID{1}
	var b strings.Builder
	for _, v := range []any{
		decided{Result: []byte(`{}`), Index: 7}, decided{NotLeader: true}, decided{Failure: "f"},
		controller.Heartbeat{Node: 1, BrokerEpoch: 2, Applied: 3, Leave: true, First: true, Supports: meta.Range{Oldest: 1, Newest: 2}},
		controller.HeartbeatAnswer{Known: true, Fenced: true, MayStop: true},
		controller.Question{Node: 1, BrokerEpoch: 2, Items: []controller.QuestionItem{{Topic: topic, Partition: 3, LeaderEpoch: 4}}},
		controller.Answer{Node: 1, BrokerEpoch: 2, Items: []controller.AnswerItem{
			{Topic: topic, Partition: 3, LeaderEpoch: 4, NormalEpoch: 5, LogEnd: 6, LastEpoch: 7},
		}},
		quorum.Status{Leader: 1, Term: 2, Commit: 3, Voters: []quorum.Replica{
			{Node: 1, Directory: model.DirectoryID{2}, LogEnd: 4, LastContact: 5, LastCaughtUp: 6},
		}},
		uint64(9),
		memberChange{Join: &Joining{Registration: controller.RegisterBroker{Node: 4, ClusterAddress: "h:1"}, Empty: true}},
		memberChange{AddVoter: &voter{4, model.DirectoryID{2}}}, memberChange{RemoveVoter: &voter{Node: 4}}, memberChange{Unregister: new(model.NodeID(4))},
		membersChanged{NotLeader: true}, membersChanged{Failure: "f"}, membersChanged{Index: 1, Joined: &Joined{Addresses: map[model.NodeID]string{1: "h:1"}}},
		standing{Replaced: true}, standing{Removed: true},
		membersChanged{Refused: wire.Errorf(kerr.VoterNotFound, "no")},
	} {
		fmt.Fprintf(&b, "%T %s\n", v, encode(v))
	}
	const path = "testdata/messages.golden"
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
		t.Errorf("%s has\n%s\nand now it is\n%s", path, want, b.String())
	}
}

// Among nodes of an earlier release one of this build registers, and what they do not
// know is refused.
func TestAControllerOfAnEarlierRelease(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		active, asker := c.controller(), c.others()[0]
		c.w.speaks = model.Protocol1
		raise := controller.UpdateFeatures{Updates: []controller.FeatureUpdate{{Feature: meta.Feature, Level: meta.Newest.Level(), Type: controller.Upgrade}}}
		_, err := asker.router.Submit(context.Background(), raise)
		refused, ok := errors.AsType[*wire.Error](err)
		if !ok || refused.Code != wire.CodeOf(kerr.UnsupportedVersion) || !strings.Contains(refused.Message, "UpdateFeatures is not known to the node that is the active controller") {
			t.Errorf("%v", err)
		}
		// In the cluster's version a build of release 0.1 is none that could register.
		_, err = asker.router.Submit(context.Background(), asker.registration())
		if refused, ok := errors.AsType[*wire.Error](err); !ok || !strings.Contains(refused.Message, "knows metadata.version 29") {
			t.Errorf("%v", err)
		}
		c.w.speaks = model.NewestProtocol
		if _, err := asker.router.Submit(context.Background(), raise); err != nil {
			t.Error(err)
		}
		body, err := asker.router.request(context.Background(), active.id, raise, model.NewestProtocol)
		if err != nil || !strings.Contains(string(body), "FeaturesUpdated") {
			t.Errorf("%s, %v", body, err)
		}
		later := strings.Replace(`{"Type":"UpdateFeatures","Body":{}}`, "UpdateFeatures", "BrewCoffee", 1)
		answer, err := active.router.Decide(context.Background(), []byte(later))
		if err != nil || !strings.Contains(string(answer), "does not know the command") {
			t.Errorf("%s, %v", answer, err)
		}
	})
}
