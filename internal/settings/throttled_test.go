package settings

import "testing"

// What Kafka 4.3.1's LogConfig.validate says of these values, asked of it.
func TestThrottledReplicasAreKafkas(t *testing.T) {
	for value, good := range map[string]bool{
		"*": true, " * ": true, "": true, "0:1": true, "0:1,1:2": true, "0:1, 1:2": true, "0:1,": true, "0:1,0:1": true,
		"99999999999:1": true,
		"none":          false, "*,0:1": false, "*,*": false, "0": false, "0:": false, ":1": false, "0:1:2": false, "-1:2": false, "0:a": false, "+1:2": false,
	} {
		for _, name := range []string{"leader.replication.throttled.replicas", "follower.replication.throttled.replicas"} {
			if err := ValidateTopic(map[string]string{name: value}); (err == nil) != good {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

func TestThrottledReplicasHaveWhatTheyName(t *testing.T) {
	values, err := Layers{Topic: map[string]string{
		"leader.replication.throttled.replicas": "*", "follower.replication.throttled.replicas": "0:1, 7:2,,99999999999:1",
	}}.TopicValues()
	if err != nil {
		t.Fatal(err)
	}
	if l := values.LeaderThrottled; !l.Has(3, 4) || l.None() {
		t.Errorf("* does not have all: %+v", l)
	}
	f := values.FollowerThrottled
	if !f.Has(0, 1) || !f.Has(7, 2) || f.Has(0, 2) || f.Has(7, 1) || f.None() {
		t.Errorf("%+v", f)
	}
	none, err := Layers{}.TopicValues()
	if err != nil || !none.LeaderThrottled.None() || none.FollowerThrottled.Has(0, 0) {
		t.Errorf("%+v, %v", none, err)
	}
}

// They are set while brokers run, and in no other way.
func TestThrottledRatesAreDynamicAlone(t *testing.T) {
	for _, name := range []string{"leader.replication.throttled.rate", "follower.replication.throttled.rate"} {
		if err := ValidateDynamicBroker(map[string]string{name: "0"}); err != nil {
			t.Error(err)
		}
		if err := ValidateDynamicBroker(map[string]string{name: "-1"}); err == nil {
			t.Errorf("%s takes -1", name)
		}
		if UnknownBroker(name).Reason == "" {
			t.Errorf("%s in a file is nobody's, without a reason", name)
		}
	}
}
